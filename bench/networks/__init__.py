"""The suite of networks that schedules are measured on: small ones of every kind, 20 us to 50 ms on one core."""

from __future__ import annotations

from bench.networks import dense, images, sequences
from bench.networks.network import Network

__all__ = ["NETWORKS", "Network", "named"]

NETWORKS = {network.name: network for network in (*dense.NETWORKS, *images.NETWORKS, *sequences.NETWORKS)}


def named(names: str | None) -> list[Network]:
    """The networks of a comma-separated list; all without one."""
    wanted = names.split(",") if names else list(NETWORKS)
    unknown = [name for name in wanted if name not in NETWORKS]
    if unknown:
        raise SystemExit(f"networks: unknown network: {unknown[0]}; the networks are {', '.join(NETWORKS)}")
    return [NETWORKS[name] for name in wanted]
