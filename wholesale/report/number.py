"""What is said of the number of segments; true for any customers."""

from wholesale.report.weighing import Weighed, leading
from wholesale.wording import counted, format_amount, listed


def extent(weighed: Weighed) -> str:
    """Say what the evidence rests on."""
    if weighed.refusal:
        return ""
    drawn = f"{format_amount(weighed.customers)} of the customers, drawn at random"
    on = drawn if weighed.again else "all customers"
    return f"The figures rest on {on}. A dash: not defined, or no proper mixture was found."


def preferred(weighed: Weighed, segments: int) -> str:
    """Say what the criteria prefer, and what becomes of the number asked for."""
    if weighed.refusal:
        return f"Numbers of segments were not weighed: {weighed.refusal}."
    cast, leaders = list(weighed.votes.values()), leading(weighed.votes)
    if segments not in weighed.counts.index:
        asked = f"The {segments} asked for were not weighed, only up to {weighed.counts.index.max()}."
    elif leaders == [segments]:
        asked = "That is the number asked for."
    else:
        asked = f"The {segments} segments asked for have {cast.count(segments) or 'none'} of the votes."
    return f"{_leader(leaders, cast.count(leaders[0]), len(cast))} {asked}{_again(weighed, leaders)}"


def yardstick(weighed: Weighed, segments: int) -> str:
    """Say whether a cloud without segments would score as well."""
    reached = weighed.as_high_by_chance(segments)
    if reached is None:
        return ""
    clouds, real = weighed.by_chance[segments], weighed.counts.loc[segments, "kmeans_silhouette"]
    said = (
        f"At {segments} segments the silhouette of K-Means is {real:.2f}. In {len(clouds)} clouds of"
        f" {counted(weighed.customers, 'customer')} without any segments (one Gaussian of the same spread),"
        f" cut the same way, it is {clouds.min():.2f} to {clouds.max():.2f}"
    )
    if reached:
        return f"{said}, as high in {reached} of them: the cut may be no more than a convenience."
    return f"{said}, never as high. Segments can do that, but so can skewed amounts, or many zeros."


def doubt(weighed: Weighed, segments: int) -> str:
    """Say the same in a few words, and of the number that leads."""
    if weighed.refusal:
        return ""
    ks = [k for k in dict.fromkeys([segments, *leading(weighed.votes)]) if k in weighed.by_chance]
    reached = {k: weighed.as_high_by_chance(k) for k in ks}
    said = [f"{n or 'none'} when cut into {k}" for k, n in reached.items() if n is not None]
    if not said:
        return ""
    clouds = f"{len(weighed.by_chance)} clouds without any segments"
    if not any(reached.values()):
        return f"None of {clouds} scored as high, cut into {' or '.join(map(str, reached))}."
    return f"Of {clouds}, {listed(said)} scored as high."


def _leader(leaders: list[int], most: int, total: int) -> str:
    if len(leaders) > 1:
        ks = listed([str(k) for k in leaders])
        return f"The votes of {total} criteria are split: {ks} segments have {most} each."
    what = "one segment, that is, no division" if leaders == [1] else f"{leaders[0]} segments"
    if total == 1:
        return f"The one criterion that has a choice prefers {what}."
    if most == total:
        return f"All {total} criteria prefer {what}."
    return f"{most} of {total} criteria prefer {what}; no other number has as many."


def _again(weighed: Weighed, leaders: list[int]) -> str:
    """Say whether further draws lead to the same."""
    if not weighed.again:
        return ""
    draws = f" All that is of {counted(weighed.customers, 'customer')} drawn at random;"
    if all(each == leaders for each in weighed.again):
        return f"{draws} {len(weighed.again)} further draws prefer the same."
    others = ", then ".join(" or ".join(map(str, each)) for each in weighed.again)
    return f"{draws} {len(weighed.again)} further draws prefer {others}: no number is settled."
