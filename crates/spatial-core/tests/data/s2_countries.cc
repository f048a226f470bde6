// Which feature contains a point, as the C++ S2 library answers it. With Debian's libs2-dev 0.10:
//
//     g++ -std=c++17 -O2 -ffp-contract=off s2_countries.cc -ls2 -labsl_raw_hash_set -labsl_hash -labsl_city
//         -labsl_low_level_hash -labsl_throw_delegate -labsl_raw_logging_internal -labsl_base -o s2_countries
//     ./s2_countries rings.bin points answers.bin
//
// tests/it/countries.rs writes rings.bin (BLUEMARBLE_RINGS_OUT) and draws the same points, bit for bit.
//
//     rings.bin     features u32 · of each: rings u32 · of each: vertices u32 · of each: x, y, z f64; inside to the left
//     answers.bin   of each point: how many features contain it u8 · the first of them u16 (65535: none)

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

#include "s2/mutable_s2shape_index.h"
#include "s2/s2contains_point_query.h"
#include "s2/s2lax_polygon_shape.h"

namespace {

struct Random {
  uint64_t state;
  uint64_t Bits() {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double Signed() { return static_cast<double>(Bits() >> 11) / 4503599627370496.0 - 1.0; }
  uint64_t Below(uint64_t n) { return Bits() % n; }
};

S2Point Unit(double x, double y, double z) {
  const double length = std::sqrt(x * x + y * y + z * z);
  return S2Point(x / length, y / length, z / length);
}

S2Point Uniform(Random& random) {
  for (;;) {
    const double x = random.Signed(), y = random.Signed(), z = random.Signed();
    const double square = x * x + y * y + z * z;
    if (square > 0.01 && square <= 1.0) return Unit(x, y, z);
  }
}

// Two in five anywhere; then beside a vertex, a vertex, the middle of an edge.
S2Point Draw(Random& random, uint64_t n, const std::vector<S2Point>& vertices) {
  if (n % 5 < 2) return Uniform(random);
  const uint64_t at = random.Below(vertices.size() - 1);
  const S2Point v = vertices[at], w = vertices[at + 1];
  if (n % 5 == 3) return v;
  if (n % 5 == 4) return Unit(v.x() + w.x(), v.y() + w.y(), v.z() + w.z());
  const double scale = 1.0 / static_cast<double>(uint64_t{1} << (8 + random.Below(44)));
  const double x = random.Signed(), y = random.Signed(), z = random.Signed();
  return Unit(v.x() + scale * x, v.y() + scale * y, v.z() + scale * z);
}

template <typename T>
T Get(std::ifstream& in) {
  T value;
  in.read(reinterpret_cast<char*>(&value), sizeof value);
  return value;
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

int main(int, char** argv) {
  std::ifstream in(argv[1], std::ios::binary);
  const uint64_t count = std::strtoull(argv[2], nullptr, 10);
  std::vector<S2Point> vertices;
  std::vector<std::unique_ptr<S2Shape>> shapes;
  for (uint32_t f = Get<uint32_t>(in); f > 0; --f) {
    std::vector<std::vector<S2Point>> loops(Get<uint32_t>(in));
    for (auto& loop : loops) {
      for (uint32_t n = Get<uint32_t>(in); n > 0; --n) {
        const double x = Get<double>(in), y = Get<double>(in), z = Get<double>(in);
        loop.emplace_back(x, y, z);
        vertices.push_back(loop.back());
      }
    }
    shapes.push_back(std::make_unique<S2LaxPolygonShape>(loops));
  }
  double start = Now();
  MutableS2ShapeIndex index;
  for (auto& shape : shapes) index.Add(std::move(shape));
  index.ForceBuild();
  std::cerr << "build " << (Now() - start) / vertices.size() * 1e9 << " ns an edge\n";
  auto query = MakeS2ContainsPointQuery(&index);
  Random random{20214};
  std::vector<S2Point> points;
  for (uint64_t n = 0; n < count; ++n) points.push_back(Draw(random, n, vertices));
  std::ofstream out(argv[3], std::ios::binary);
  for (const S2Point& p : points) {
    uint8_t containing = 0;
    uint16_t first = 65535;
    for (S2Shape* shape : query.GetContainingShapes(p)) {
      ++containing;
      first = std::min<uint16_t>(first, shape->id());
    }
    out.put(static_cast<char>(containing));
    out.write(reinterpret_cast<const char*>(&first), 2);
  }
  std::vector<S2Point> uniform;
  for (int n = 0; n < 1000000; ++n) uniform.push_back(Uniform(random));
  double least = 1e9;
  int sum = 0;
  for (int run = 0; run < 5; ++run) {
    start = Now();
    for (const S2Point& p : uniform) {
      query.VisitContainingShapes(p, [&sum](S2Shape* shape) { sum += shape->id(); return false; });
    }
    least = std::min(least, Now() - start);
  }
  std::cerr << "uniform " << least / uniform.size() * 1e9 << " ns a point (" << sum << ")\n";
}
