"""One file with all streams, and what each of them has to become.

The file: `SGSTREAM`, the length of the manifest as a 64-bit number (little endian), the manifest (JSON), then the bytes
to which its places point. Equal bytes stand there once.
"""

import hashlib
import json

import numpy as np

from pictures import little_endian


class Container:
    """Streams as they come."""

    def __init__(self):
        self.entries = []
        self.refused = {}
        self._odd = 0
        self._places = {}
        self._bytes = []
        self._size = 0

    def _place(self, data):
        key = hashlib.sha256(data).digest()
        if key not in self._places:
            self._places[key] = [self._size, len(data)]
            self._bytes.append(data)
            self._size += len(data)
        return self._places[key]

    def add(self, codec, syntax, stream, numbers, stored, about, **more):
        """Takes a stream in.

        `numbers` are the samples that a reader has to get, in rows, columns and components; `stored` is the number of
        bits that carry them; `about` says in words how the stream was made. `more` may name `allocated`, `high_bit`,
        `signed`, `planar` and `photometric` of the attributes, `means`, which is what the samples are once decoded, and
        `compare`: "exact", "close" (a level on 99.9 %, two at most), "deep" (four levels of 65536) or "first" (close, the
        first component alone).
        """
        rows, columns, components = numbers.shape
        allocated = more.get("allocated", 8 if stored <= 8 else 16 if stored <= 16 else 32)
        photometric = more.get("photometric", "MONOCHROME2" if components == 1 else "RGB")
        size = max(allocated // 8, 1)
        shape = f"{rows}x{columns}x{components}, {'i' if more.get('signed') else 'u'}{stored}"
        if len(stream) % 2:
            # A fragment has an even length; servers send it with and without the byte that makes it so.
            self._odd += 1
            stream = bytes(stream) + bytes(self._odd % 2)
        self.entries.append(
            {
                "codec": codec,
                "syntax": syntax,
                "about": f"{codec} {shape}: {about}",
                "rows": rows,
                "columns": columns,
                "samples": components,
                "allocated": allocated,
                "stored": stored,
                "high_bit": more.get("high_bit", stored - 1),
                "signed": bool(more.get("signed", False)),
                "planar": bool(more.get("planar", False)),
                "photometric": photometric,
                "means": more.get("means", photometric),
                "compare": more.get("compare", "exact"),
                "stream": self._place(bytes(stream)),
                "expected": self._place(little_endian(np.asarray(numbers), size)),
            }
        )

    def refuse(self, codec, why):
        """Notes that an encoder did not take some parameters."""
        key = f"{codec}: {why}"
        self.refused[key] = self.refused.get(key, 0) + 1

    def write(self, path, versions):
        """Writes the file; it is there whole or not at all."""
        manifest = {"versions": versions, "refused": self.refused, "streams": self.entries}
        text = json.dumps(manifest, separators=(",", ":")).encode()
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            file.write(b"SGSTREAM" + len(text).to_bytes(8, "little") + text)
            for each in self._bytes:
                file.write(each)
        partial.replace(path)
        return self._size
