"""Display grey of made-up scenes, in double precision, worked out from the standard alone.

Source: DICOM PS3.3 C.11.1, C.11.2, C.11.6 (modality, VOI and presentation LUT), C.7.6.3.1.2 (photometric
interpretation), C.7.6.3.1.5 and C.7.9 (palettes), C.7.6.11 (shutter), C.7.6.19 (supplemental palette), C.9.2
(overlay planes).

Where the standard leaves the choice, this is what the documentation of viewer-core/src/pixel says:
- Positions have 32 fractional bits, weights 16 (grid.rs).
- 8 and 16-bit values are mixed exactly and rounded down to 16 fractional bits; beside padding the weights have 8
  bits (cpu_render.rs). Colours are looked up, or made RGB, before they are mixed.
- 32-bit and float values are taken to the line of the window (or of the table, or the exponent of SIGMOID) and cut
  to 4096 lengths of it before they are mixed; doubles are narrowed to singles first (ramp.rs, cpu_render.rs).
- A table between whole inputs is the straight line between its entries (lut.rs). With a table in the chain, grey is
  exact at whole stored values (8 and 16 bits) or at the entries of the table (32 bits, floats), and goes straight
  between them (shade_table.rs).
- Overlay graphics show where a pixel with its centre within the canvas pixel has them (mask.rs).

Use: oracle.py FOLDER; reads scenes.json and samples.bin, writes greys.bin: float64 red, green and blue a canvas
pixel, one scene after the other.
"""

import json
import pathlib
import sys

import numpy as np

FAR = 4096.0
OVERLAY_COLOR = np.array([240.0, 227.0, 164.0]) / 255.0


# Tables: C.11.1.1, C.11.2.1.1, C.11.6.1.


class Lut:
    def __init__(self, table, signed):
        length, first, bits = table["descriptor"]
        length = length or 65536
        first = np.uint16(first & 0xFFFF)
        self.first = int(first.view(np.int16)) if signed else int(first)
        self.entries = np.array(table["entries"][:length], dtype=np.float64)
        assert len(self.entries) == length
        self.full = 2.0**bits - 1.0
        self.last = length - 1

    def at_index(self, index):
        index = np.clip(index, 0.0, self.last)
        low = np.floor(index).astype(int)
        high = np.minimum(low + 1, self.last)
        return self.entries[low] + (self.entries[high] - self.entries[low]) * (index - low)

    def at(self, value):
        return self.at_index(value - self.first)


# The chain of one value: C.11.1, C.11.2.1.2, C.11.2.1.3, C.11.6.


class Chain:
    def __init__(self, scene):
        signed = scene["type"][0] != "u"
        modality, voi = scene["modality"], scene["voi"]
        self.modality = Lut(modality, signed) if "entries" in modality else None
        self.slope, self.intercept = modality.get("slope", 1.0), modality.get("intercept", 0.0)
        self.voi = Lut(voi, True) if "entries" in voi else None
        self.function = voi.get("function")
        self.center, self.width = voi.get("center"), voi.get("width")
        if self.function == "LINEAR":
            self.width = max(self.width, 1.0)
        self.presentation = Lut(scene["presentation"], False) if scene["presentation"] else None
        self.has_table = any([self.modality, self.voi, self.presentation])

    def value(self, stored):
        return self.modality.at(stored) if self.modality else self.slope * stored + self.intercept

    def display(self, value):
        """VOI: modality values to 0..1."""
        c, w = self.center, self.width
        if self.voi:
            return self.voi.at(value) / self.voi.full
        if self.function == "SIGMOID":
            with np.errstate(over="ignore"):
                return 1.0 / (1.0 + np.exp(-4.0 * (value - c) / w))
        if self.function == "LINEAR":
            low, high = c - 0.5 - (w - 1.0) / 2.0, c - 0.5 + (w - 1.0) / 2.0
            between = (value - (c - 0.5)) / (w - 1.0) + 0.5 if w > 1.0 else 0.0
        else:
            low, high = c - w / 2.0, c + w / 2.0
            between = (value - c) / w + 0.5
        return np.where(value <= low, 0.0, np.where(value > high, 1.0, np.clip(between, 0.0, 1.0)))

    def present(self, grey):
        """Presentation LUT without inversion."""
        if not self.presentation:
            return grey
        return self.presentation.at_index(grey * self.presentation.last) / self.presentation.full

    def grey(self, stored):
        return self.present(self.display(self.value(stored)))

    # 32 bits and floats: a line that is mixed, and what is looked up with the mix.

    def line(self, stored):
        if self.modality or self.voi:
            lut = self.modality or self.voi
            place = stored if self.modality else self.value(stored)
            return (place - lut.first) / lut.last if lut.last else np.zeros_like(place)
        value = self.value(stored)
        if self.function == "SIGMOID":
            exponent = 4.0 * (value - self.center) / self.width
            return exponent / 32.0 + 0.5 if self.presentation else exponent
        if self.function == "LINEAR":
            low, length = self.center - 0.5 - (self.width - 1.0) / 2.0, self.width - 1.0
        else:
            low, length = self.center - self.width / 2.0, self.width
        if length == 0.0:
            return np.sign(value - low) * FAR
        return (value - low) / length

    def of_line(self, mixed):
        if self.modality or self.voi:
            lut = self.modality or self.voi
            words = self.present(self.display(lut.entries) if self.modality else lut.entries / lut.full)
            return straight(words, np.clip(mixed, 0.0, 1.0) * lut.last)
        if self.function == "SIGMOID":
            if self.presentation:
                # SIGMOID behind a presentation table: 16,384 places over exponents of -16 to 16.
                places = 1.0 / (1.0 + np.exp(-(np.arange(16384) / 16383.0 - 0.5) * 32.0))
                return straight(self.present(places), np.clip(mixed, 0.0, 1.0) * 16383.0)
            with np.errstate(over="ignore"):
                return 1.0 / (1.0 + np.exp(-mixed))
        return self.present(np.clip(mixed, 0.0, 1.0))


def straight(words, place):
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, len(words) - 1)
    return words[low] + (words[high] - words[low]) * (place - low)


# Colours: C.7.6.3.1.2, C.7.6.3.1.5, C.7.9.2.


def to_level(value):
    """The nearest level, a half goes up; doubles that should be a half may lie 1e-13 below."""
    return np.clip(np.floor(value + 0.5 + 1e-10), 0, 255)


def rgb_of_ybr(pixels, partial):
    y, cb, cr = (pixels[..., i].astype(np.float64) for i in range(3))
    cb, cr = cb - 128.0, cr - 128.0
    if partial:
        y, cb, cr = (y - 16.0) * 255.0 / 219.0, cb * 255.0 / 224.0, cr * 255.0 / 224.0
    # Y = .299 R + .587 G + .114 B, CB = (B - Y) / 1.772, CR = (R - Y) / 1.402.
    red, blue = y + 2.0 * (1.0 - 0.299) * cr, y + 2.0 * (1.0 - 0.114) * cb
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return to_level(np.stack([red, green, blue], axis=-1))


def expand(words, wide):
    """Segments of C.7.9.2: discrete (0), linear (1) and indirect (2)."""
    entries = []

    def one(at):
        code, length = words[at], words[at + 1]
        if code == 0:
            entries.extend(words[at + 2 : at + 2 + length])
            return 2 + length
        if code == 1:
            start, end = entries[-1], words[at + 2]
            for step in range(1, length + 1):
                entries.append(int(np.floor(start + (end - start) * step / length + 0.5)))
            return 3
        assert code == 2
        if wide:
            source = (words[at + 2] | words[at + 3] << 16) // 2
        else:
            source = sum(words[at + 2 + i] << 8 * i for i in range(4))
        for _ in range(length):
            source += one(source)
        return 4 if wide else 6

    at = 0
    while at < len(words) and not (at == len(words) - 1 and words[at] == 0):
        at += one(at)
    return entries


def colors_of_palette(palette, stored, chain):
    channels = []
    for descriptor, words in zip(palette["descriptors"], palette["words"]):
        bits = descriptor[2]
        entries = expand(words, bits == 16) if palette["segmented"] else words
        lut = Lut({"descriptor": descriptor, "entries": entries}, palette["signed"])
        level = np.floor(lut.at(stored) / (256 if bits == 16 else 1))
        if palette["supplemental"]:
            grey = np.floor(chain.display(chain.value(stored)) * 255.0 + 0.5)
            level = np.where(stored < lut.first, grey, level)
        channels.append(level)
    return np.stack(channels, axis=-1)


# Positions.


def fixed(number):
    scaled = number * 4294967296.0
    return int(np.floor(abs(scaled) + 0.5)) * (1 if scaled >= 0 else -1)


def taps(steps, scene, length):
    across, down, start = steps
    x = np.arange(scene["width"], dtype=np.int64)[None, :]
    y = np.arange(scene["height"], dtype=np.int64)[:, None]
    position = (across * x + down * y + start + 0x8000) >> 16
    nearest = (position + 0x8000) >> 16
    inside = (nearest >= 0) & (nearest < length)
    first = position >> 16
    second = np.clip(first + 1, 0, length - 1)
    return inside, np.clip(nearest, 0, length - 1), np.clip(first, 0, length - 1), second, position & 0xFFFF


# Masks: C.9.2, C.7.6.11.


def overlay_cells(scene):
    rows, columns = scene["rows"], scene["columns"]
    cells = np.zeros((rows, columns), dtype=bool)
    for plane in scene["overlays"]:
        count = plane["rows"] * plane["columns"]
        bits = np.unpackbits(np.array(plane["bytes"], dtype=np.uint8), bitorder="little")
        bits = bits[count * plane["frame"] :][:count].reshape(plane["rows"], plane["columns"])
        for row, column in np.argwhere(bits):
            row, column = row + plane["origin"][0] - 1, column + plane["origin"][1] - 1
            if 0 <= row < rows and 0 <= column < columns:
                cells[row, column] = True
    return cells


def is_visible(shape, row, column):
    if shape["kind"] == "RECTANGULAR":
        left, right, upper, lower = shape["edges"]
        return left <= column <= right and upper <= row <= lower
    if shape["kind"] == "CIRCULAR":
        down, across = row - shape["center"][0], column - shape["center"][1]
        return down * down + across * across <= shape["radius"] ** 2
    corners = shape["vertices"]
    turns = 0
    for (r0, c0), (r1, c1) in zip(corners, corners[1:] + corners[:1]):
        side = (r1 - r0) * (column - c0) - (c1 - c0) * (row - r0)
        if side == 0 and min(r0, r1) <= row <= max(r0, r1) and min(c0, c1) <= column <= max(c0, c1):
            return True
        # The edge crosses the ray to higher columns.
        if (r0 > row) != (r1 > row) and (side < 0) == (r1 > r0):
            turns += 1
    return turns % 2 == 1


def shutter_cells(scene):
    cells = np.zeros((scene["rows"], scene["columns"]), dtype=bool)
    for shape in scene["shutter"]["shapes"]:
        for row in range(scene["rows"]):
            for column in range(scene["columns"]):
                cells[row, column] |= not is_visible(shape, row + 1, column + 1)
    return cells


def covers(steps, nearest, fraction, index):
    """Canvas pixels that have the centre of a column or a row within them, or nearest."""
    half = min((abs(steps[0]) + abs(steps[1])) >> 17, 9 * 32768)
    position = nearest * 65536 + np.where(fraction >= 32768, fraction - 65536, fraction)
    return (nearest == index) | ((position - half < index * 65536) & (index * 65536 <= position + half))


def draw_masks(scene, steps, inside, nearest, fractions, greys):
    column, row = nearest
    if scene["overlays"] and scene["shows_overlays"]:
        for r, c in np.argwhere(overlay_cells(scene)):
            on_column = covers(steps[0], column, fractions[0], c)
            on_row = covers(steps[1], row, fractions[1], r)
            greys[inside & on_column & on_row] = OVERLAY_COLOR
    if scene["shutter"]:
        level = np.floor(scene["shutter"]["value"] * 255.0 / 65535.0 + 0.5) / 255.0
        greys[inside & shutter_cells(scene)[row, column]] = level


# A picture.


def mix(values, across, down, padded):
    """Bilinear, in whole numbers: values are whole, weights have 16 bits, the result is rounded down to 16 bits."""
    a, b, c, d = (value.astype(np.int64) for value in values)
    one = 65536
    top, bottom = a * (one - across) + b * across, c * (one - across) + d * across
    mixed = (top * (one - down) + bottom * down) >> 16
    if padded is not None:
        x, y = (across + 128) >> 8, (down + 128) >> 8
        weights = [(256 - x) * (256 - y), x * (256 - y), (256 - x) * y, x * y]
        weights = [np.where(is_padding, 0, weight) for is_padding, weight in zip(padded, weights)]
        total = np.maximum(sum(weights), 1)
        beside = sum(value * weight for value, weight in zip((a, b, c, d), weights)) * one // total
        mixed = np.where(np.any(padded, axis=0), beside, mixed)
    return mixed / 65536.0


def mix_lines(values, across, down, padded):
    x, y = across / 65536.0, down / 65536.0
    weights = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y]
    weights = [np.where(is_padding, 0.0, weight) for is_padding, weight in zip(padded, weights)]
    values = [np.where(is_padding, 0.0, value) for is_padding, value in zip(padded, values)]
    total = sum(weights)
    return sum(v * w for v, w in zip(values, weights)) / np.where(total == 0.0, 1.0, total)


def picture(scene, samples):
    rows, columns = scene["rows"], scene["columns"]
    chain = Chain(scene)
    dtype = np.dtype("<" + scene["type"])
    count = rows * columns * scene["samples"]
    stored = np.frombuffer(samples, dtype, count, scene["offset"])
    m = [fixed(number) for number in scene["pixel_from_canvas"]]
    steps = ([m[0], m[2], m[4]], [m[1], m[3], m[5]])
    in_c, near_c, first_c, second_c, across = taps(steps[0], scene, columns)
    in_r, near_r, first_r, second_r, down = taps(steps[1], scene, rows)
    inside = np.broadcast_to(in_c & in_r, (scene["height"], scene["width"]))
    places = [(first_r, first_c), (first_r, second_c), (second_r, first_c), (second_r, second_c)]
    nearest = (near_r, near_c)
    padding = scene["padding"]
    palette = scene["palette"]

    if scene["samples"] == 3 or palette:
        if palette:
            colors = colors_of_palette(palette, stored.reshape(rows, columns).astype(np.float64), chain)
            # A supplemental palette has the window in its greys already.
            is_window = not palette["supplemental"]
        else:
            colors = stored.reshape(rows, columns, 3).astype(np.float64)
            if scene["photometric"] != "RGB":
                colors = rgb_of_ybr(colors, scene["photometric"] == "YBR_PARTIAL")
            is_window = True
        if scene["interpolate"]:
            values = [colors[place] for place in places]
            mixed = mix(values, across[..., None], down[..., None], None)
        else:
            mixed = colors[nearest]
        greys = chain.display(mixed) if is_window else mixed / 255.0
    else:
        image = stored.reshape(rows, columns)
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                image = image.astype(np.float32)
            low, high = (np.float32(end) for end in padding) if padding else (1.0, 0.0)
            is_padding = ~np.isfinite(image) | ((image >= low) & (image <= high))
        else:
            low, high = padding if padding else (1.0, 0.0)
            is_padding = (image >= low) & (image <= high)
        if dtype.kind != "f" and dtype.itemsize <= 2:
            image = image.astype(np.float64)
            if scene["interpolate"]:
                values, padded = [image[p] for p in places], np.array([is_padding[p] for p in places])
                mixed = mix(values, across, down, padded)
            else:
                mixed = image[nearest]
            if chain.has_table:
                low = np.floor(mixed)
                top = {"i": 2 ** (8 * dtype.itemsize - 1), "u": 2 ** (8 * dtype.itemsize)}[dtype.kind] - 1
                high = np.minimum(low + 1, top)
                grey = chain.grey(low)
                grey = grey + (chain.grey(high) - grey) * (mixed - low)
            else:
                grey = chain.grey(mixed)
        else:
            with np.errstate(invalid="ignore"):
                lines = np.clip(chain.line(image.astype(np.float64)), -FAR, FAR)
            lines = np.where(is_padding, 0.0, lines)
            if scene["interpolate"]:
                values, padded = [lines[p] for p in places], [is_padding[p] for p in places]
                mixed = mix_lines(values, across, down, padded)
            else:
                mixed = lines[nearest]
            grey = chain.of_line(mixed)
        greys = np.repeat(grey[..., None], 3, axis=-1)
    if scene["inverse"]:
        greys = 1.0 - greys
    greys = np.where(inside[..., None], greys, 0.0)
    if scene["samples"] == 1 and not palette:
        greys[is_padding[nearest]] = 0.0
    draw_masks(scene, steps, inside, (near_c + 0 * near_r, near_r + 0 * near_c), (across, down), greys)
    return greys


def main():
    folder = pathlib.Path(sys.argv[1])
    samples = (folder / "samples.bin").read_bytes()
    scenes = json.loads((folder / "scenes.json").read_text())
    with open(folder / "greys.bin", "wb") as out:
        for number, scene in enumerate(scenes):
            try:
                out.write(picture(scene, samples).astype("<f8").tobytes())
            except Exception as error:
                raise RuntimeError(f"scene {number}") from error


main()
