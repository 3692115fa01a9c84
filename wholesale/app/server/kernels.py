"""When a visitor's kernel may be stopped, and which may be handed out; ``voila.json`` names the class."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from weakref import WeakSet

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager


class PageKernelManager(AsyncMappingKernelManager):
    """Stops the kernels of closed pages, never one whose page is still opening, and hands out no dead one.

    A preheated kernel has been idle, with nobody connected, for as long as it waited. Voila protects it
    in its pool but not between leaving the pool and the browser's connection, so idleness is counted anew
    from when the culler first sees a kernel outside the pool.

    A kernel that died is not started again (``voila.json``), as another would know nothing of the widgets
    that its page has or is about to get.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.handed_out: WeakSet = WeakSet()

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """Stop a kernel that has long been idle and unconnected; Voila asks only about handed-out ones."""
        kernel = self.get_kernel(kernel_id)
        if kernel not in self.handed_out:
            self.handed_out.add(kernel)
            kernel.last_activity = datetime.now(UTC)  # type: ignore[attr-defined]  # Jupyter's own addition
        await super().cull_kernel_if_idle(kernel_id)

    async def renew(self) -> None:
        """Take kernels that have died, or never started, out of Voila's pools, and start others."""
        voila: Any = self  # Voila's pools are in a class that it derives from this one
        for notebook, pool in getattr(voila, "_pools", {}).items():
            for dead in [task for task in pool if task.done() and not await self._lives(task)]:
                if dead in pool:  # it may have been handed out meanwhile
                    pool.remove(dead)
            voila.fill_if_needed(delay=0, notebook_name=notebook)

    async def _lives(self, started: asyncio.Task) -> bool:
        if started.cancelled() or started.exception():
            return False
        kernel_id = started.result()["kernel_id"]
        return kernel_id in self and await self.is_alive(kernel_id)

    def _handle_kernel_died(self, kernel_id: str) -> None:
        super()._handle_kernel_died(kernel_id)
        self.renewing = asyncio.ensure_future(self.renew())

    async def end(self) -> None:
        """End every kernel, those that are just starting too, at once: they hold nothing to be saved."""
        voila: Any = self
        starting = [task for pool in getattr(voila, "_pools", {}).values() for task in pool]
        await asyncio.gather(*starting, return_exceptions=True)
        for kernel in list(self._kernels.values()):  # Jupyter begins with an interrupt, which kernels report
            kernel.stop_restarter()
            if kernel.provisioner:
                await kernel.provisioner.kill()
        await self.shutdown_all(now=True)
