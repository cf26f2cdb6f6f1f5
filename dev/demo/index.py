#!/usr/bin/python3
"""A search index over generated articles: fill it, drop most of it, idle, fill it a little again.

A workload as services have it: hundreds of thousands of objects of mixed sizes, memory that
rises in steps, a phase in which nine tenths are dropped at random, and rest. Everything is
generated from a fixed seed, so the output is the same under any allocator.

Run with PYTHONMALLOC=malloc, so that every object of the interpreter is one call of malloc.
"""
import json
import os
import random
import sys
import time
import zlib

SYLLABLES = ("al bar cen dor el fin gar hal in jor kel lo mar nel or pan qui ras sol tan "
             "ul ven wir yor zan").split()
ARTICLES_PER_STEP = 700
STEPS = 8


def make_words(count, chance):
    """Words of two to four syllables, most of them rare, as in a language."""
    return ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(count)]


def make_article(number, words, chance):
    """One article as it comes over a wire: JSON text of 0.3 to 6 KiB."""
    length = min(40 + int(chance.expovariate(1 / 120)), 800)
    body = [words[int(chance.random() ** 3 * len(words))] for _ in range(length)]
    return json.dumps({"id": number, "title": " ".join(body[:6]), "words": body,
                       "tags": sorted(set(body[:12])), "score": chance.random()})


def insert(index, articles, number, text):
    """Keeps the parsed article and where each of its words stands."""
    article = json.loads(text)
    articles[number] = article
    for place, word in enumerate(article["words"]):
        index.setdefault(word, {}).setdefault(number, []).append(place)


def remove(index, articles, number):
    article = articles.pop(number)
    for word in set(article["words"]):
        places = index[word]
        del places[number]
        if not places:
            del index[word]


def search(index, articles, words):
    """Ids of the best articles that hold all words."""
    hits = set(index.get(words[0], {}))
    for word in words[1:]:
        hits &= set(index.get(word, {}))
    return sorted(hits, key=lambda number: (-articles[number]["score"], number))[:5]


def fingerprint(articles):
    total = 0
    for number in sorted(articles):
        total = zlib.crc32(json.dumps(articles[number]).encode(), total)
    return f"{total:08x}"


def main():
    chance = random.Random(20190801)
    words = make_words(20000, chance)
    index, articles = {}, {}

    for step in range(STEPS):
        for number in range(step * ARTICLES_PER_STEP, (step + 1) * ARTICLES_PER_STEP):
            insert(index, articles, number, make_article(number, words, chance))
        found = search(index, articles, chance.sample(words[:200], 2))
        print(f"filled {len(articles)} articles, {len(index)} words, found {found}")
        time.sleep(0.05)

    order = sorted(articles)
    chance.shuffle(order)
    for share in (0.3, 0.6, 0.9):
        while len(articles) > len(order) * (1 - share):
            remove(index, articles, order[len(articles) - 1])
        print(f"dropped to {len(articles)} articles, {len(index)} words")
        time.sleep(0.3)
    print(f"kept {fingerprint(articles)}")
    time.sleep(2.0)

    first = STEPS * ARTICLES_PER_STEP
    for number in range(first, first + ARTICLES_PER_STEP):
        insert(index, articles, number, make_article(number, words, chance))
    print(f"again {len(articles)} articles, {len(index)} words, {fingerprint(articles)}")
    time.sleep(0.5)
    sys.stdout.flush()
    os._exit(0)   # services are ended, not taken apart object by object


if __name__ == "__main__":
    main()
