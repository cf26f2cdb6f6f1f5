#!/usr/bin/python3
"""Writes a large program for compilers to chew on: big_program.py c|cc FUNCTIONS >FILE"""
import random
import sys

NUMBERS = random.Random(20231)

C_HEAD = '''#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
'''

C_FUNCTION = '''
struct s{n} {{ uint32_t a[{count}]; double d; const char *name; struct s{n} *next; }};
static const char *const names{n}[] = {{ {strings} }};
static uint32_t f{n}(uint32_t x)
{{
    static struct s{n} s[1];
    uint32_t sum = x;
    for (int i = 0; i < {count}; i++) {{
        s->a[i] = sum * {odd}u + i;
        switch (s->a[i] % 7) {{
        case 0: sum += s->a[i] >> {shift}; break;
        case 1: sum ^= s->a[(i + {step}) % {count}]; break;
        case 2: s->d = s->d * 1.5 + sum; break;
        case 3: s->name = names{n}[sum % (sizeof names{n} / sizeof *names{n})]; break;
        case 4: sum += s->name ? strlen(s->name) : {odd}u; break;
        default: sum = sum << {shift} | sum >> (32 - {shift}); break;
        }}
    }}
    return sum + (s->d > x){call};
}}
'''

CC_HEAD = '''#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct tower {
    using below = tower<N - 1>;
    std::map<int, typename below::value> held;
    using value = std::pair<int, typename below::value>;
    template <class F> auto apply(F f) { return below().apply([=](auto x) { return f(x + N); }); }
};
template <> struct tower<0> {
    using value = int;
    template <class F> auto apply(F f) { return f(0); }
};
'''

CC_FUNCTION = '''
struct k{n} {{ std::string name; std::vector<std::variant<int, std::string, double>> parts; }};
static int f{n}(int x)
{{
    std::unordered_map<std::string, std::unique_ptr<k{n}>> table;
    for (int i = 0; i < {count}; i++) {{
        auto k = std::make_unique<k{n}>(k{n}{{"{word}" + std::to_string(i), {{}}}});
        k->parts.emplace_back(i * {odd});
        k->parts.emplace_back(std::string(i % {step} + 1, 'x'));
        table.emplace(k->name, std::move(k));
    }}
    std::vector<const k{n} *> order;
    for (auto &[name, k] : table) order.push_back(k.get());
    std::sort(order.begin(), order.end(), [](auto *a, auto *b) {{ return a->name < b->name; }});
    std::function<int(int)> turn = [&](int y) {{ return y + int(order.size()) + x; }};
    int sum = tower<{depth}>().apply([&](auto v) {{ return turn(v); }});
    for (auto *k : order)
        sum += std::visit([](auto &v) {{ return int(sizeof v); }}, k->parts[sum % 2 == 0]);
    return sum{call};
}}
'''


def word():
    return ''.join(NUMBERS.choices('abcdefghijklmnopqrstuvwxyz', k=NUMBERS.randint(3, 30)))


def function(template, n):
    print(template.format(
        n=n, count=NUMBERS.randint(8, 90), odd=NUMBERS.randrange(1, 2 ** 20, 2),
        shift=NUMBERS.randint(1, 31), step=NUMBERS.randint(1, 8), word=word(),
        depth=NUMBERS.randint(3, 12), strings=', '.join(f'"{word()}"' for _ in range(8)),
        call='' if n == 0 else f' + f{n - 1}(x + {n})'))


def main():
    language, count = sys.argv[1], int(sys.argv[2])
    head, template = (C_HEAD, C_FUNCTION) if language == 'c' else (CC_HEAD, CC_FUNCTION)
    print(head)
    for n in range(count):
        function(template, n)
    if language == 'c':
        print(f'int main(void) {{ printf("%u\\n", (unsigned)f{count - 1}(1)); }}')
    else:
        print(f'int main() {{ std::cout << f{count - 1}(1) << "\\n"; }}')


if __name__ == '__main__':
    main()
