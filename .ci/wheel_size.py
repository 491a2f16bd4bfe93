"""Fail when a wheel is too large: at most 5 MB without its CUDA kernels, 25 MB with them."""

import sys
from pathlib import Path
from zipfile import ZipFile

MEGABYTE = 1 << 20

wheel = Path(sys.argv[1])
with ZipFile(wheel) as members:
    cuda = sum(member.compress_size for member in members.infolist() if "/_cuda." in member.filename)
whole = wheel.stat().st_size
for what, size, limit in [("without CUDA kernels", whole - cuda, 5 * MEGABYTE), ("whole", whole, 25 * MEGABYTE)]:
    print(f"{wheel.name}, {what}: {size} bytes, limit {limit}")
    if size > limit:
        sys.exit("the wheel is too large")
