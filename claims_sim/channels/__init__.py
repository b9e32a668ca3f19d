"""Channels: how claims travel. One contract, opened by URL; nothing here knows what a claim means."""

from claims_sim.channels.contract import Access, Channel, Message, Reading
from claims_sim.channels.opening import open_channel

__all__ = ["Access", "Channel", "Message", "Reading", "open_channel"]
