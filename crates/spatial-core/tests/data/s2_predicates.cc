// Makes s2_predicates.bin: what the C++ S2 library answers on degenerate input. With Debian's libs2-dev 0.10:
//
//     g++ -std=c++17 -O1 -ffp-contract=off s2_predicates.cc -ls2 -labsl_raw_hash_set -labsl_hash -labsl_city
//         -labsl_low_level_hash -labsl_throw_delegate -labsl_raw_logging_internal -labsl_base -o s2_predicates
//     ./s2_predicates > s2_predicates.bin && python3 s2_predicates_check.py
//
// Layout, little-endian:
//     points u32 · triples u32 · pairs of edges u32 · comparisons u32
//     point        x, y, z f64
//     triple       three points u16 · Sign i8
//     pair         four points u16 · CrossingSign i8 · EdgeOrVertexCrossing u8
//     comparison   three points u16 (x, a, b) · CompareDistances i8
//
// The triples: 1,496 of the centres and corners of cells of levels 0 to 2, whose determinant is zero or is rounded to
// next to nothing, and the 198 runs of three in 200 points of the equator.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <set>
#include <vector>

#include "s2/s2cell.h"
#include "s2/s2cell_id.h"
#include "s2/s2edge_crossings.h"
#include "s2/s2predicates.h"

namespace {

std::vector<S2Point> points;
std::vector<std::vector<int>> triples, pairs, comparisons;
std::mt19937_64 random_bits(20214);

int Below(int n) { return static_cast<int>(random_bits() % n); }

template <typename T>
void Put(T value) {
  fwrite(&value, sizeof value, 1, stdout);
}

void AddCells(S2CellId id, int level) {
  const S2Cell cell(id);
  points.push_back(cell.GetCenter());
  if (id.level() == level) {
    for (int k = 0; k < 4; ++k) points.push_back(cell.GetVertex(k));
    return;
  }
  for (int k = 0; k < 4; ++k) AddCells(id.child(k), level);
}

double Determinant(int a, int b, int c) {
  return points[a].CrossProd(points[b]).DotProd(points[c]);
}

bool IsNew(int a, int b, int c) {
  return points[a] != points[b] && points[b] != points[c] && points[c] != points[a];
}

}  // namespace

int main() {
  for (int face = 0; face < 6; ++face) AddCells(S2CellId::FromFace(face), 2);
  std::set<S2Point> distinct(points.begin(), points.end());
  points.assign(distinct.begin(), distinct.end());
  const int cells = points.size();
  while (triples.size() < 1496) {
    const int a = Below(cells), b = Below(cells), c = Below(cells);
    if (IsNew(a, b, c) && std::fabs(Determinant(a, b, c)) < 1e-15) triples.push_back({a, b, c});
  }
  for (int k = 0; k < 200; ++k) {
    points.push_back(S2LatLng::FromDegrees(0, 1.8 * k - 180).ToPoint());
  }
  for (int k = 0; k < 198; ++k) triples.push_back({cells + k, cells + k + 1, cells + k + 2});
  const int all = points.size();
  while (pairs.size() < 1500) {
    // Few random pairs meet: of the others one in ten is kept.
    const int first = pairs.size() % 3 == 0 ? cells : 0;
    const int n = first == 0 ? cells : all - cells;
    const std::vector<int> p = {first + Below(n), first + Below(n), first + Below(n), Below(all)};
    const int sign = S2::CrossingSign(points[p[0]], points[p[1]], points[p[2]], points[p[3]]);
    if (sign >= 0 || Below(10) == 0) pairs.push_back(p);
  }
  while (comparisons.size() < 1000) {
    const int x = Below(cells), a = Below(cells), b = Below(cells);
    const double difference = (points[x] - points[a]).Norm2() - (points[x] - points[b]).Norm2();
    if (std::fabs(difference) < 1e-15) comparisons.push_back({x, a, b});
  }

  for (size_t n : {points.size(), triples.size(), pairs.size(), comparisons.size()}) Put<uint32_t>(n);
  for (const S2Point& p : points) {
    for (int k = 0; k < 3; ++k) Put<double>(p[k]);
  }
  for (const auto& t : triples) {
    for (int p : t) Put<uint16_t>(p);
    Put<int8_t>(s2pred::Sign(points[t[0]], points[t[1]], points[t[2]]));
  }
  for (const auto& t : pairs) {
    const S2Point &a = points[t[0]], &b = points[t[1]], &c = points[t[2]], &d = points[t[3]];
    for (int p : t) Put<uint16_t>(p);
    Put<int8_t>(S2::CrossingSign(a, b, c, d));
    Put<uint8_t>(S2::EdgeOrVertexCrossing(a, b, c, d));
  }
  for (const auto& t : comparisons) {
    for (int p : t) Put<uint16_t>(p);
    Put<int8_t>(s2pred::CompareDistances(points[t[0]], points[t[1]], points[t[2]]));
  }
}
