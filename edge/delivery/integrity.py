"""Whether a face of the outbox is what was accepted: the disk may be failing."""

import re
import struct
import zlib

from edge.samples import Delivery

KEY = re.compile("[0-9a-f]{32}")


def checksum_of(delivery: Delivery) -> int:
    """
    Return the CRC-32 of everything that a sink is given.

    Raises:
        TypeError, AttributeError, struct.error: What was read is not even of the right types.
    """
    checksum = zlib.crc32(struct.pack("<d", delivery.quality))
    for part in (delivery.key.encode(), delivery.media_type.encode()):
        checksum = zlib.crc32(part, checksum)
    return zlib.crc32(delivery.face_image, zlib.crc32(delivery.record, checksum))


def damage_of(delivery: Delivery, checksum: object) -> str | None:
    """
    Return what is wrong with a face as it was read; None when it is as it was accepted.

    Args:
        delivery: Whatever the row holds.
        checksum: Written with it; None in rows of the first release.
    """
    try:
        is_whole = KEY.fullmatch(delivery.key) is not None
        is_whole = is_whole and checksum in (None, checksum_of(delivery))
    except (TypeError, AttributeError, struct.error):
        is_whole = False
    return None if is_whole else "it is not as it was accepted: the disk may be failing"
