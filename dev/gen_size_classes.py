#!/usr/bin/env python3
"""Writes src/span/size_class.def: the size classes, and how many pages a span of each has.

Sizes: multiples of 16 up to 128, then eight to each doubling up to 2 KiB, so that rounding up never
adds more than 12.5 % (above 128 bytes) and every power of two is a class (which alignment needs);
from there sixteen to each doubling up to 32 KiB, never more than 6.25 %: buffers of a page and a
header are common, a class more costs little there, and what is rounded up is resident.

Span pages: at least 2, so that a span's record of 256 bytes is at most 1/64 of it, and the fewest
whose tail, too short for another slot, is at most 1/64 of the span, with at least 4 slots where
32 pages allow it and at most 512 (one bit each in the record). A span of many pages costs nothing
until its slots are used, lowest first.

Classes count from 1: a span of class 0 is one large object. The last rows answer most requests
with one load: the class for each multiple of 16 up to 1 KiB, and of 128 up to 32 KiB.
"""
import sys

PAGE = 8192
SLOTS_MAX = 512
SLOTS_MIN = 4
PAGES_MIN = 2
PAGES_MAX = 32
TAIL_MAX = 1 / 64
LARGEST = 32 * 1024
TABLES = (("CLASS_OF_SIXTEENTHS", 16, 1024), ("CLASS_OF_128THS", 128, LARGEST))


def sizes():
    yield from range(16, 129, 16)
    base = 128
    while base < LARGEST:
        step = base // (8 if base < 2048 else 16)
        yield from range(base + step, 2 * base + 1, step)
        base *= 2


def tail(size, pages):
    return (pages * PAGE) % size / (pages * PAGE)


def span_pages(size):
    candidates = [p for p in range(PAGES_MIN, PAGES_MAX + 1)
                  if SLOTS_MIN <= p * PAGE // size <= SLOTS_MAX]
    if not candidates:
        return 1
    good = [p for p in candidates if tail(size, p) <= TAIL_MAX]
    return good[0] if good else min(candidates, key=lambda p: tail(size, p))


def main():
    out = ["// Written by dev/gen_size_classes.py, which says why; do not edit.",
           "// SIZE_CLASS(slot bytes, pages in a span)   slots, tail of the span left over"]
    for size in sizes():
        pages = span_pages(size)
        slots = pages * PAGE // size
        row = f"SIZE_CLASS({size}, {pages})"
        out.append(f"{row:<24} // {slots:3} slots, {100 * tail(size, pages):4.1f} %")
    for name, unit, largest in TABLES:
        classes = [next(i for i, size in enumerate(sizes(), 1) if size >= n)
                   for n in range(0, largest + 1, unit)]
        rows = [", ".join(map(str, classes[i:i + 16])) for i in range(0, len(classes), 16)]
        out += [f"// {name}(class of 0 bytes, of {unit}, of {2 * unit}, ... of {largest})",
                f"{name}(" + (",\n" + " " * (len(name) + 1)).join(rows) + ")"]
    text = "\n".join(out) + "\n"
    if sys.argv[1:] == ["--check"]:
        with open("src/span/size_class.def", encoding="utf-8") as file:
            sys.exit(0 if file.read() == text else "size_class.def is not what the tool writes")
    with open("src/span/size_class.def", "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
