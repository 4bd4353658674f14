"""The live-room kernel: who may publish and watch, and WHIP and WHEP in front of the media engine.

It knows rooms, grants and resources; nothing of showcases, meetings or rows: those come in through `RoomPolicy`.
"""
