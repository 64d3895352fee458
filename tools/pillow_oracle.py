"""Numbers of Pillow that the tests of crates/learn/src/readers/pictures hold: pictures resized, and JPEG and PNG files.

    python tools/pillow_oracle.py
"""

import io

import numpy as np
import PIL
from PIL import Image


def rust(name, values):
    print(f"    const {name}: [u8; {len(values)}] = {list(map(int, values))};")


print(f"// Pillow {PIL.__version__}")
a = np.array([i * i * 7 % 256 for i in range(35)], np.uint8).reshape(5, 7)
for name, (height, width) in {"SMALL": (2, 3), "LARGE": (6, 9)}.items():
    rust(name, np.asarray(Image.fromarray(a).resize((width, height), Image.BILINEAR)).flatten())

color = np.stack([a, a[::-1], 255 - a], 2)
for name, image, options in [
    ("GRAY_JPEG", Image.fromarray(a), dict(format="JPEG", quality=95)),
    ("COLOR_JPEG", Image.fromarray(color), dict(format="JPEG", quality=95, subsampling=0)),
    ("PROGRESSIVE_JPEG", Image.fromarray(a), dict(format="JPEG", quality=95, progressive=True)),
    ("PALETTE_PNG", Image.fromarray(color).quantize(4), dict(format="PNG")),
]:
    file = io.BytesIO()
    image.save(file, **options)
    mode = "RGB" if name in ("COLOR_JPEG", "PALETTE_PNG") else "L"
    rust(name, file.getvalue())
    rust(name + "_PIXELS", np.asarray(Image.open(file).convert(mode)).flatten())
