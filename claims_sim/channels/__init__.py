"""Channels: how claims travel. One contract, opened by URL; nothing here knows what a claim means."""

from claims_sim.channels.contract import Channel, Message, Reading, open_channel

__all__ = ["Channel", "Message", "Reading", "open_channel"]
