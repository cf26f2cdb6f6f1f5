"""Data to work on: the same bytes on every machine."""
import random

PIECE_BYTES = 1 << 20


def write_mixed_text(side, name, megabytes):
    """Words, repeats, numbers and a part that cannot be compressed, into the side's work folder."""
    with side.aside(), open(side.work / name, 'wb') as file:
        for piece in pieces(megabytes):
            file.write(piece)


def pieces(megabytes):
    numbers = random.Random(20231)
    words = [bytes(numbers.choices(range(97, 123), k=numbers.randint(2, 12)))
             for _ in range(4000)]
    for number in range(megabytes):
        piece = b' '.join(numbers.choices(words, k=120000)) + b'%d\n' % number
        noise = numbers.randbytes(PIECE_BYTES // 8)
        yield (piece[:PIECE_BYTES - len(noise)] + noise).ljust(PIECE_BYTES, b'.')
