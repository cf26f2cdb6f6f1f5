// C++: delete with and without the size, and containers of the standard library.
#include "workload.h"

#include <map>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct slot {
    void  *object;
    size_t n_bytes;
};

void run_delete()
{
    static sizes all_sizes;
    sizes_fill(&all_sizes, 8, 1024);
    const bool        is_sized = option("sized") != 0;
    const size_t      n = option("objects");
    auto             *slots = static_cast<slot *>(own_memory(n * sizeof(slot)));
    uint64_t          random = 88172645463325252u, sum = 0;
    const uint64_t    n_times = option("times") * n;
    for (uint64_t i = 0; i < n_times; i++) {
        slot &here = slots[bench_random(&random) % n];
        if (is_sized)
            ::operator delete(here.object, here.n_bytes);
        else
            ::operator delete(here.object);
        here.n_bytes = sizes_pick(&all_sizes, bench_random(&random));
        here.object = ::operator new(here.n_bytes);
        *static_cast<unsigned char *>(here.object) = 1;
        sum += here.n_bytes;
    }
    for (size_t i = 0; i < n; i++)
        ::operator delete(slots[i].object);
    checksum(sum);
}

struct shape {
    virtual ~shape() = default;
    virtual uint64_t area() const = 0;
};
struct square : shape {
    uint64_t side[2];
    uint64_t area() const override { return side[0] * side[1]; }
};
struct polygon : shape {
    std::vector<uint64_t> points;
    uint64_t area() const override { return points.size() * points.back(); }
};

std::unique_ptr<shape> some_shape(uint64_t random)
{
    if (random % 2 == 0) {
        auto made = std::make_unique<square>();
        made->side[0] = made->side[1] = random % 100;
        return made;
    }
    auto made = std::make_unique<polygon>();
    for (uint64_t i = 0; i < 3 + random % 30; i++)
        made->points.push_back(i);
    return made;
}

void run_containers()
{
    uint64_t random = 88172645463325252u, sum = 0;
    for (uint64_t i = 0; i < option("times"); i++) {
        std::map<uint64_t, std::string>                         names;
        std::unordered_map<std::string, std::unique_ptr<shape>> shapes;
        for (uint64_t j = 0; j < 2000; j++) {
            uint64_t key = bench_random(&random) % 1500;
            names[key] = std::string(key % 90, 'n') + std::to_string(key);
            shapes[names[key]] = some_shape(bench_random(&random));
            if (j % 3 == 0 && !names.empty())
                names.erase(names.begin());
        }
        for (const auto &[name, one] : shapes)
            sum += one->area() + name.size();
    }
    checksum(sum);
}

}   // namespace

extern "C" {
struct workload workloads[] = {
    {"delete", run_delete, {{"times", 100}, {"objects", 20000}, {"sized", 1}}},
    {"containers", run_containers, {{"times", 100}}},
    {nullptr, nullptr, {}},
};
}
