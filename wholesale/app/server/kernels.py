"""When a visitor's kernel may be stopped; ``voila.json`` names the class."""

from datetime import UTC, datetime
from weakref import WeakSet

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager


class PageKernelManager(AsyncMappingKernelManager):
    """Stops the kernels of closed pages, and never one whose page is still opening.

    A preheated kernel has been idle, with nobody connected, for as long as it waited. Voila protects it
    in its pool but not between leaving the pool and the browser's connection, so idleness is counted anew
    from when the culler first sees a kernel outside the pool.
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
