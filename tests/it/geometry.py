"""Geometry of the images in a folder, by a DICOM reader of its own: order, distances, tilt, orientation letters.

Usage: geometry.py FOLDER [NAME]; prints JSON. Explicit VR Little Endian only (PS3.5 7.1.2); plain Python.

Slices of a Siemens mosaic lie where the protocol in the series' header says that their middles are, which none of the
attributes of the image has a part in.
"""

import json
import math
import os
import struct
import sys

LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010


def number_at(data, at):
    group, element = struct.unpack_from("<HH", data, at)
    return group << 16 | element


def read_elements(data, at, end):
    """Elements by tag from `at` up to `end` or an item's delimiter, and where they end."""
    found = {}
    while at < end:
        tag = number_at(data, at)
        if tag in (ITEM_END, SEQUENCE_END):
            return found, at + 8
        if tag == PIXEL_DATA:
            return found, end
        vr = data[at + 4 : at + 6]
        if vr in LONG:
            length = struct.unpack_from("<I", data, at + 8)[0]
            at += 12
        else:
            length = struct.unpack_from("<H", data, at + 6)[0]
            at += 8
        if vr == b"SQ" or (vr == b"UN" and length == UNDEFINED):
            found[tag], at = read_items(data, at, length)
        else:
            found[tag] = (vr, data[at : at + length])
            at += length
    return found, at


def read_items(data, at, length):
    end = len(data) if length == UNDEFINED else at + length
    items = []
    while at < end:
        tag, size = number_at(data, at), struct.unpack_from("<I", data, at + 4)[0]
        at += 8
        if tag == SEQUENCE_END:
            break
        item, at = read_elements(data, at, end if size == UNDEFINED else at + size)
        items.append(item)
    return items, at


def text(elements, tag):
    if tag not in elements:
        return None
    return elements[tag][1].decode("latin-1").strip(" \0")


def decimals(elements, tag):
    found = text(elements, tag)
    return [float(part) for part in found.split("\\")] if found else None


def items(elements, tag):
    found = elements.get(tag, [])
    return found if isinstance(found, list) else []


def frames_of(elements):
    """Position, orientation, spacing and rescale of each frame (PS3.3 C.7.6.2, C.7.6.16.2)."""
    count = int(text(elements, 0x00280008) or "1")
    shared = (items(elements, 0x52009229) or [{}])[0]
    own = items(elements, 0x52009230)

    def look(groups, macro, tag):
        for group in groups:
            for item in items(group, macro):
                if decimals(item, tag):
                    return decimals(item, tag)
        return decimals(elements, tag)

    for index in range(count):
        groups = [own[index] if index < len(own) else {}, shared]
        yield {
            "instance": text(elements, 0x00080018),
            "frame": index + 1,
            "position": look(groups, 0x00209113, 0x00200032),
            "orientation": look(groups, 0x00209116, 0x00200037),
            "spacing": look(groups, 0x00289110, 0x00280030),
            "slope": (look(groups, 0x00289145, 0x00281053) or [1.0])[0],
            "intercept": (look(groups, 0x00289145, 0x00281052) or [0.0])[0],
        }


def protocol_of(elements):
    """Lines `name = value` of the protocol, as text between ASCCONV marks in the CSA series header (0029,1020)."""
    header = elements[0x00291020][1].decode("latin-1")
    protocol = header.split("### ASCCONV BEGIN", 1)[1].split("### ASCCONV END", 1)[0]
    parts = (line.split("=", 1) for line in protocol.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, value in parts}


def tiles_of(elements, columns, rows):
    """Each slice of a mosaic: the middle of a slice is that of the pixel after half of them."""
    [frame] = frames_of(elements)
    protocol = protocol_of(elements)
    assert not any(name.startswith("sSliceArray.ucImageNumb") for name in protocol)
    count = int(protocol["sSliceArray.lSize"])
    side = math.ceil(math.sqrt(count))
    width, height = columns // side, rows // side
    row, column = frame["orientation"][:3], frame["orientation"][3:]
    for index in range(count):
        names = [f"sSliceArray.asSlice[{index}].sPosition.d{axis}" for axis in ("Sag", "Cor", "Tra")]
        middle = [float(protocol.get(name, "0")) for name in names]
        along = [width / 2 * frame["spacing"][1], height / 2 * frame["spacing"][0]]
        corner = [m - along[0] * r - along[1] * c for m, r, c in zip(middle, row, column)]
        tile = [index % side * width, index // side * height]
        yield {**frame, "position": corner, "tile": tile}, width, height


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def letters(direction):
    """The largest component first; those below a quarter are left out."""
    named = [("L", "R"), ("P", "A"), ("H", "F")]
    parts = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    return "".join(named[a][direction[a] < 0] for a in parts if abs(direction[a]) >= 0.25)


def geometry(folder, only):
    frames, columns, rows = [], 0, 0
    for name in sorted(os.listdir(folder)):
        if only and name != only:
            continue
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        length = struct.unpack_from("<I", data, 140)[0]
        meta, start = read_elements(data, 144, 144 + length)
        assert text(meta, 0x00020010) == "1.2.840.10008.1.2.1", name
        elements, _ = read_elements(data, start, len(data))
        rows, columns = (struct.unpack("<H", elements[tag][1])[0] for tag in (0x00280010, 0x00280011))
        if "MOSAIC" in (text(elements, 0x00080008) or "").split("\\"):
            for frame, width, height in tiles_of(elements, columns, rows):
                frames.append({**frame, "stride": columns})
            columns, rows = width, height
        else:
            frames.extend(frames_of(elements))
        series, study = text(elements, 0x0020000E), text(elements, 0x0020000D)
    row, column = frames[0]["orientation"][:3], frames[0]["orientation"][3:]
    normal = cross(row, column)
    frames.sort(key=lambda frame: dot(frame["position"], normal))
    along = [dot(frame["position"], normal) for frame in frames]
    way = [b - a for a, b in zip(frames[0]["position"], frames[-1]["position"])]
    cosine = dot(way, normal) / math.sqrt(dot(way, way)) if dot(way, way) else 1.0
    return {
        "study": study,
        "series": series,
        "columns": columns,
        "rows": rows,
        "frames": frames,
        "gaps": [b - a for a, b in zip(along, along[1:])],
        "tilt_degrees": math.degrees(math.acos(max(-1.0, min(1.0, cosine)))),
        "letters": [letters([-x for x in row]), letters(row), letters([-x for x in column]), letters(column)],
    }


print(json.dumps(geometry(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)))
