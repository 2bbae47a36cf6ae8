"""Streams of JPEG 2000 and of High-Throughput JPEG 2000."""

import itertools
import random

import imagecodecs
import numpy as np

import openjpeg
from pictures import KINDS, SIZES, picture

LOSSLESS, LOSSY = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
HT_LOSSLESS, HT_RPCL, HT_LOSSY = (f"1.2.840.10008.1.2.4.{number}" for number in (201, 202, 203))
SIDES = ((37, 41), (64, 64), (16, 17), (61, 53), (5, 4), (129, 67), (33, 200))
ORDERS = openjpeg.PROGRESSIONS


def _most_levels(sides):
    """As many as OpenJPEG takes."""
    return min(min(sides).bit_length() - 1, 32)


def _comparison(lossless, bits):
    """Decoders compute in single precision, whose last bits show at 16 bits."""
    return "exact" if lossless else "close" if bits <= 12 else "deep"


def _jpeg_2000(to, sides, bits, kind, turn, components=1, signed=False, **options):
    numbers = picture(*sides, components, bits, signed, kind, turn)
    smallest = tuple(min(pair) for pair in zip(sides, options.get("tile", sides)[::-1]))
    options["levels"] = min(options.get("levels", 5), _most_levels(smallest))
    try:
        stream = openjpeg.encode(numbers, bits, signed, **options)
    except openjpeg.Refused as why:
        to.refuse("JPEG 2000", f"{options}: {why}")
        return
    decoded = imagecodecs.jpeg2k_decode(stream, numthreads=1).astype(np.int64).reshape(numbers.shape)
    lossless = not options.get("irreversible") and options.get("rates", (0,))[-1] == 0
    if lossless and (decoded != numbers).any():
        to.refuse("JPEG 2000", f"{bits} bits, {options}: its own decoder gives other numbers")
        return
    photometric = "MONOCHROME2" if components == 1 else "RGB"
    # The transform of the stream is undone, whatever the attributes call it.
    if options.get("mct") and turn % 4:
        photometric = "YBR_ICT" if options.get("irreversible") else "YBR_RCT"
    compare = _comparison(lossless, bits)
    to.add(
        "JPEG 2000", LOSSLESS if lossless else LOSSY, stream, decoded, bits, f"{kind} {options}",
        signed=signed, photometric=photometric, means="RGB" if components == 3 else photometric, compare=compare,
        allocated=8 if bits <= 8 and turn % 3 else 16 if bits <= 16 else 32,
    )


def jpeg_2000(to):
    turn, chance = itertools.count(), random.Random(1)

    def one(sides, bits, **options):
        kind = options.pop("kind", chance.choice(KINDS))
        _jpeg_2000(to, sides, bits, kind, next(turn), **options)

    for bits, signed, kind in itertools.product(range(1, 17), (False, True), KINDS):
        if bits > 1 or not signed:
            one(chance.choice(SIDES), bits, kind=kind, signed=signed, jp2=chance.randrange(7) == 0)
    for bits, mct in itertools.product(range(1, 17), (False, True)):
        one(chance.choice(SIDES), bits, components=3, mct=mct, progression=ORDERS[bits % 5])
    for sides, components in itertools.product(SIZES, (1, 3)):
        bits = chance.choice((8, 12, 16))
        for levels in {0, 1, 3, _most_levels(sides)}:
            one(sides, bits, components=components, levels=levels, mct=components == 3)
    # Tiles, with image and first tile anywhere on the grid.
    places = (
        {"tile": (32, 32)}, {"tile": (64, 16)}, {"tile": (17, 19)}, {"tile": (100, 131)}, {"tile": (1, 200)},
        {"tile": (40, 24), "offset": (7, 9), "tile_offset": (3, 5)}, {"offset": (1, 1)}, {"offset": (1023, 65)},
        {"tile": (33, 31), "offset": (31, 30)}, {"tile": (64, 64), "offset": (63, 64), "tile_offset": (63, 1)},
    )
    for place, order in itertools.product(places, ORDERS):
        for components in (1, 3):
            parts = {"tile_parts": chance.choice("RLC")} if chance.randrange(2) else {}
            bits = chance.choice((8, 12, 16))
            one((67, 59), bits, components=components, mct=components == 3, progression=order, **parts, **place)
    precincts = (
        ((64, 64),), ((32, 32), (16, 16)), ((128, 32), (32, 128), (16, 16)), ((16, 16),),
        ((256, 256), (128, 128), (64, 64), (32, 32)),
    )
    for sizes, order, components in itertools.product(precincts, ORDERS, (1, 3)):
        options = {"sop": chance.randrange(3) == 0, "eph": chance.randrange(4) == 0, "levels": 1 + chance.randrange(4)}
        if chance.randrange(3) == 0:
            options["offset"] = (chance.randrange(50), chance.randrange(70))
        one((129, 131), 8 + 4 * (components == 1), components=components, progression=order, precincts=sizes, **options)
    # Every mode of the block coder, blocks of every shape.
    blocks = ((64, 64), (32, 32), (4, 4), (1024, 4), (4, 1024), (16, 8), (8, 128), (64, 32))
    for mode in range(64):
        one(chance.choice(SIDES), (8, 12, 16)[mode % 3], mode=mode, block=blocks[mode % 8], kind=KINDS[mode % 5])
    for block, kind in itertools.product(blocks, KINDS):
        one((67, 131), 12, block=block, kind=kind, signed=chance.randrange(2) == 0)
    # Layers, the last of them with all that is left.
    for order, rates in itertools.product(ORDERS, ((20, 0), (60, 25, 10, 4, 0), tuple(range(100, 2, -5)) + (0,))):
        for components in (1, 3):
            one((67, 131), 8, components=components, mct=components == 3, progression=order, rates=rates)
    # A component whose bits are shifted out of the others' way.
    for shift, (bits, components) in itertools.product((1, 5, 10, 12), ((8, 1), (12, 1), (8, 3))):
        for kind in KINDS[:2]:
            one((61, 53), bits, components=components, roi=(components - 1, shift), kind=kind)
    orders = (
        ((0, 0, 1, 2, 3, "LRCP"), (2, 0, 1, 6, 3, "CPRL")), ((0, 0, 1, 6, 1, "RLCP"), (0, 1, 1, 6, 3, "PCRL")),
        ((0, 0, 1, 1, 3, "RPCL"), (1, 0, 1, 3, 3, "LRCP"), (3, 0, 1, 6, 3, "RLCP")),
    )
    for changes, kind in itertools.product(orders, KINDS):
        one((67, 131), 8, components=3, orders=changes, kind=kind)
    guards = ((f"GUARD_BITS={count}",) for count in range(1, 8))
    for extra in (("PLT=YES",), ("TLM=YES",), ("PLT=YES", "TLM=YES"), *guards):
        for components in (1, 3):
            one((67, 59), 12, components=components, extra=extra, tile=(32, 32))
    # The other wavelet.
    for bits, signed, rates in itertools.product((8, 10, 12, 16), (False, True), ((0,), (8,), (30, 10, 5))):
        for kind in KINDS[:3]:
            one(chance.choice(SIDES), bits, signed=signed, kind=kind, irreversible=True, rates=rates)
    for bits, mct, rates in itertools.product((8, 12), (False, True), ((0,), (8,), (30, 10, 5))):
        one((67, 59), bits, components=3, mct=mct, irreversible=True, rates=rates, kind="texture")
        one((67, 59), bits, components=3, mct=mct, irreversible=True, rates=rates, tile=(32, 27), kind="steps")
        one((67, 59), bits, components=3, mct=mct, rates=rates, kind="noise")
    # OpenJPEG itself reads no more than these.
    for bits, signed, kind in itertools.product(range(17, 26), (False, True), KINDS):
        one(chance.choice(SIDES), bits, signed=signed, kind=kind)
    for bits, mct in itertools.product((17, 20, 24), (False, True)):
        one((67, 59), bits, components=3, mct=mct, tile=(32, 27))


def _with_depth(stream, bits, signed, components):
    """The stream with another depth in its SIZ segment: reversible coefficients do not depend on it."""
    changed = bytearray(stream)
    assert changed[2:4] == b"\xff\x51"
    for place in range(components):
        changed[42 + 3 * place] = (bits - 1) | 0x80 * signed
    return bytes(changed)


def _in_order(stream, progression):
    """The stream with another progression in its COD segment.

    Each resolution has one precinct and there is one layer, so packets of one component follow one another alike in all
    five orders, those of three in the first three.
    """
    changed = bytearray(stream)
    changed[stream.index(b"\xff\x52") + 5] = progression
    return bytes(changed)


def _high_throughput(to, sides, bits, kind, turn, components=1, signed=False, **options):
    numbers = picture(*sides, components, bits, signed, kind, turn)
    whole = 32 if bits > 16 else 8 if bits <= 8 and turn % 2 else 16
    # The encoder knows depths of whole bytes: numbers lie around the middle of theirs.
    lifted = numbers if signed else numbers - (1 << (bits - 1)) + (1 << (whole - 1))
    given = lifted.astype(f"{'i' if signed else 'u'}{whole // 8}")
    if whole == 32:
        # It does not take the middle from numbers without a sign: that is done here, and the sign taken away as the depth is changed.
        lifted = numbers if signed else numbers - (1 << (bits - 1))
        given = lifted.astype(np.int32)
    lossless = options.setdefault("reversible", True)
    if bits < whole and not lossless:
        return
    try:
        stream = imagecodecs.htj2k_encode(given if components == 3 else given[:, :, 0], **options)
        if lossless:
            decoded = imagecodecs.htj2k_decode(stream, planar=False)
        else:
            # Of OpenJPH's numbers beyond the range this package keeps the lower bits.
            decoded = imagecodecs.jpeg2k_decode(stream, planar=False, numthreads=1)
        decoded = decoded.astype(np.int64).reshape(numbers.shape)
    except (ValueError, RuntimeError) as why:
        to.refuse("HTJ2K", f"{options}: {why}")
        return
    if lossless:
        if (decoded != lifted).any():
            to.refuse("HTJ2K", f"{whole} bits, signed {signed}, {options}: its own decoder gives other numbers")
            return
        stream = _with_depth(stream, bits, signed, components)
        decoded = numbers
    needs_rpcl = lossless and turn // 2 % 2 == 1
    if not needs_rpcl:
        stream = _in_order(stream, turn // 4 % (5 if components == 1 else 3))
    # OpenJPEG's own limit of bit planes lies below what the stream says it has room for.
    again = decoded
    if bits <= 16:
        again = imagecodecs.jpeg2k_decode(stream, planar=False, numthreads=1).astype(np.int64).reshape(numbers.shape)
    if (again != decoded).any():
        to.refuse("HTJ2K", f"{bits} bits, signed {signed}, {options}: OpenJPEG gives other numbers")
        return
    photometric = "MONOCHROME2" if components == 1 else "RGB"
    if options.get("rgb"):
        photometric = "YBR_RCT" if lossless else "YBR_ICT"
    syntax = HT_RPCL if needs_rpcl else HT_LOSSLESS if lossless else HT_LOSSY
    to.add(
        "HTJ2K", syntax, stream, decoded, bits, f"{kind} {options}",
        signed=signed, photometric=photometric, means="RGB" if components == 3 else photometric,
        allocated=8 if bits <= 8 and turn % 3 else 16 if bits <= 16 else 32, compare=_comparison(lossless, bits),
    )


def high_throughput(to):
    turn, chance = itertools.count(), random.Random(1)

    def one(sides, bits, **options):
        kind = options.pop("kind", chance.choice(KINDS))
        _high_throughput(to, sides, bits, kind, next(turn), **options)

    for bits, signed, kind in itertools.product(range(1, 17), (False, True), KINDS):
        if bits > 1 or not signed:
            one(chance.choice(SIDES), bits, kind=kind, signed=signed)
    for bits, rgb, kind in itertools.product(range(1, 17), (False, True), KINDS[:2]):
        one(chance.choice(SIDES), bits, components=3, rgb=rgb, kind=kind)
    for sides, components in itertools.product(SIZES, (1, 3)):
        for resolutions in (0, 1, 2, 4, 6):
            bits = chance.choice((8, 12, 16))
            one(sides, bits, components=components, resolutions=resolutions, rgb=components == 3)
    tiles = ((32, 32), (16, 64), (19, 17), (200, 1), (131, 100))
    for tile, part, tlm in itertools.product(tiles, (None, 1, 2), (False, True)):
        for components in (1, 3):
            more = {"tilepart": part} if part else {}
            bits = chance.choice((8, 12, 16))
            one((67, 59), bits, components=components, tile=tile, tlm=tlm, rgb=components == 3, **more)
    for bits, signed, kind in itertools.product(range(17, 27), (False, True), KINDS):
        one(chance.choice(SIDES), bits, signed=signed, kind=kind)
    for bits, rgb in itertools.product((17, 20, 24), (False, True)):
        one((67, 59), bits, components=3, rgb=rgb, tile=(32, 27))
    for level, signed, bits in itertools.product((0.1, 0.01, 0.002, 0.0005), (False, True), (8, 16)):
        for kind in KINDS:
            one(chance.choice(SIDES), bits, signed=signed, kind=kind, reversible=False, level=level)
    for level, rgb, bits, tile in itertools.product((0.05, 0.002), (False, True), (8, 16), (None, (20, 33))):
        more = {"tile": tile} if tile else {}
        one((67, 59), bits, components=3, rgb=rgb, reversible=False, level=level, kind="texture", **more)
