// Work for operator new and delete through the standard library: strings, maps, vectors, shared
// pointers, over-aligned objects, exceptions, threads; prints sums. Argument: rounds.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct Numbers {
    uint64_t state;
    uint64_t operator()(uint64_t limit)
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state % limit;
    }
};

struct alignas(128) Wide {
    uint64_t words[32];
};

uint64_t digest(const std::string &text)
{
    uint64_t sum = 0xcbf29ce484222325;
    for (unsigned char c : text)
        sum = (sum ^ c) * 0x100000001b3;
    return sum;
}

uint64_t containers(Numbers &random)
{
    std::map<std::string, std::vector<std::shared_ptr<std::string>>> table;
    std::unordered_map<uint64_t, std::string> others;
    for (int i = 0; i < 3000; i++) {
        std::string key(1 + random(40), char('a' + random(26)));
        auto        shared = std::make_shared<std::string>(key + std::to_string(random(1000)));
        table[key].push_back(shared);
        table[shared->substr(0, 3)].push_back(shared);
        others[random(500)] += *shared;
        if (random(5) == 0)
            table.erase(table.begin());
    }
    std::ostringstream out;
    for (auto &[key, values] : table)
        for (auto &value : values)
            out << key << '=' << *value << ' ';
    std::vector<std::string> sorted;
    for (auto &[key, value] : others)
        sorted.push_back(value);
    std::sort(sorted.begin(), sorted.end());
    for (auto &value : sorted)
        out << value;
    return digest(out.str());
}

uint64_t wide(Numbers &random)
{
    std::vector<std::unique_ptr<Wide>> kept;
    uint64_t sum = 0;
    for (int i = 0; i < 500; i++) {
        auto object = std::make_unique<Wide>();
        if (reinterpret_cast<uintptr_t>(object.get()) % alignof(Wide) != 0)
            throw std::logic_error("not aligned");
        object->words[random(32)] = random(1000);
        for (uint64_t word : object->words)
            sum = sum * 31 + word;
        kept.push_back(std::move(object));
        if (random(3) == 0)
            kept.erase(kept.begin() + long(random(kept.size())));
    }
    return sum;
}

uint64_t failing(Numbers &random)
{
    uint64_t caught = 0;
    for (int i = 0; i < 200; i++) {
        try {
            std::string text(random(100), 'x');
            if (random(2) == 0)
                throw std::runtime_error(text);
            volatile size_t too_much = SIZE_MAX / 2;
            std::unique_ptr<char[]> never(new char[too_much]);
        } catch (const std::bad_alloc &) {
            caught += 1000;
        } catch (const std::runtime_error &error) {
            caught += std::string(error.what()).size();
        }
    }
    return caught;
}

// C's functions beside new and delete.
uint64_t in_c(Numbers &random)
{
    auto  *numbers = static_cast<uint64_t *>(malloc(sizeof(uint64_t)));
    size_t n = 0;
    for (; n < 3000; n++) {
        numbers = static_cast<uint64_t *>(realloc(numbers, (n + 1) * sizeof(uint64_t)));
        numbers[n] = random(1000);
    }
    uint64_t sum = 0;
    while (n-- > 0)
        sum = sum * 31 + numbers[n];
    free(numbers);
    return sum;
}

}   // namespace

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    std::vector<std::future<uint64_t>> workers;
    for (int worker = 0; worker < 4; worker++)
        workers.push_back(std::async(std::launch::async, [=] {
            Numbers  random{20231u + unsigned(worker)};
            uint64_t sum = 0;
            for (int round = 0; round < rounds; round++)
                sum = sum * 31 + containers(random) + wide(random) + failing(random) + in_c(random);
            return sum;
        }));
    for (auto &worker : workers)
        printf("%016llx\n", static_cast<unsigned long long>(worker.get()));
}
