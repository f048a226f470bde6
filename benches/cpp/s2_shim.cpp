// Batched calls into the C++ library of S2, so that crossing the border costs nothing per operation.
// Points are unit vectors, three doubles each. Every function leaves what it does not fill unchanged.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "s2/mutable_s2shape_index.h"
#include "s2/s2cap.h"
#include "s2/s2cell_id.h"
#include "s2/s2closest_edge_query.h"
#include "s2/s2closest_point_query.h"
#include "s2/s2contains_point_query.h"
#include "s2/s2latlng.h"
#include "s2/s2latlng_rect.h"
#include "s2/s2lax_polygon_shape.h"
#include "s2/s2loop.h"
#include "s2/s2point_index.h"
#include "s2/s2polygon.h"
#include "s2/s2predicates.h"
#include "s2/s2region_coverer.h"

namespace {

S2Point point_at(const double* xyz, size_t n) {
  return S2Point(xyz[3 * n], xyz[3 * n + 1], xyz[3 * n + 2]);
}

using Index = S2PointIndex<uint32_t>;
using Query = S2ClosestPointQuery<uint32_t>;

// An index, and a query and results that are kept from call to call.
struct Points {
  Index index;
  std::unique_ptr<Query> query;
  std::vector<Query::Result> results;

  // Told anew of an index that has changed.
  Query& fresh_query() {
    if (query == nullptr) query = std::make_unique<Query>(&index);
    return *query;
  }
};

// Answers all queries; gives the number of hits. Where rows is not null, hits are written there, with the square of
// their chord, up to room.
size_t ask(Points* points, const double* centers, size_t count, uint32_t* rows, double* squares,
           size_t room) {
  Query& query = points->fresh_query();
  size_t hits = 0;
  for (size_t n = 0; n < count; ++n) {
    Query::PointTarget target(point_at(centers, n));
    query.FindClosestPoints(&target, &points->results);
    for (const auto& result : points->results) {
      if (rows != nullptr && hits < room) {
        rows[hits] = result.data();
        squares[hits] = result.distance().length2();
      }
      ++hits;
    }
  }
  return hits;
}

using Regions = std::vector<std::unique_ptr<S2Region>>;

}  // namespace

extern "C" {

// --- cells ----------------------------------------------------------------------------------

void bm_ids_of_points(const double* xyz, size_t count, uint64_t* ids) {
  for (size_t n = 0; n < count; ++n) ids[n] = S2CellId(point_at(xyz, n)).id();
}

// Latitude and longitude in degrees, two doubles each.
void bm_ids_of_degrees(const double* latlng, size_t count, uint64_t* ids) {
  for (size_t n = 0; n < count; ++n) {
    ids[n] = S2CellId(S2LatLng::FromDegrees(latlng[2 * n], latlng[2 * n + 1])).id();
  }
}

void bm_points_of_ids(const uint64_t* ids, size_t count, double* xyz) {
  for (size_t n = 0; n < count; ++n) {
    const S2Point point = S2CellId(ids[n]).ToPoint();
    for (int axis = 0; axis < 3; ++axis) xyz[3 * n + axis] = point[axis];
  }
}

// The neighbours of a cell's own level, eight slots each; those at a corner of the cube fill seven.
void bm_all_neighbors(const uint64_t* ids, size_t count, uint64_t* neighbors) {
  std::vector<S2CellId> found;
  for (size_t n = 0; n < count; ++n) {
    const S2CellId id(ids[n]);
    found.clear();
    id.AppendAllNeighbors(id.level(), &found);
    for (size_t k = 0; k < found.size() && k < 8; ++k) neighbors[8 * n + k] = found[k].id();
  }
}

// --- points that move -----------------------------------------------------------------------

Points* bm_points_new(const double* xyz, size_t count) {
  auto points = std::make_unique<Points>();
  for (size_t n = 0; n < count; ++n) points->index.Add(point_at(xyz, n), static_cast<uint32_t>(n));
  return points.release();
}

void bm_points_free(Points* points) { delete points; }

void bm_points_move(Points* points, const double* from, const double* to, size_t count) {
  points->query.reset();
  for (size_t n = 0; n < count; ++n) {
    points->index.Remove(point_at(from, n), static_cast<uint32_t>(n));
    points->index.Add(point_at(to, n), static_cast<uint32_t>(n));
  }
}

// Everybody within a chord, of which the square is given.
size_t bm_points_within(Points* points, const double* centers, size_t count, double square,
                        uint32_t* rows, double* squares, size_t room) {
  Query& query = points->fresh_query();
  query.mutable_options()->set_max_results(Query::Options::kMaxMaxResults);
  query.mutable_options()->set_inclusive_max_distance(S1ChordAngle::FromLength2(square));
  return ask(points, centers, count, rows, squares, room);
}

size_t bm_points_nearest(Points* points, const double* centers, size_t count, int nearest,
                         uint32_t* rows, double* squares, size_t room) {
  Query& query = points->fresh_query();
  query.mutable_options()->set_max_results(nearest);
  query.mutable_options()->set_max_distance(S1ChordAngle::Infinity());
  return ask(points, centers, count, rows, squares, room);
}

// Everybody within a chord of arcs, two points each.
size_t bm_points_along(Points* points, const double* arcs, size_t count, double square) {
  Query& query = points->fresh_query();
  query.mutable_options()->set_max_results(Query::Options::kMaxMaxResults);
  query.mutable_options()->set_inclusive_max_distance(S1ChordAngle::FromLength2(square));
  size_t hits = 0;
  for (size_t n = 0; n < count; ++n) {
    Query::EdgeTarget target(point_at(arcs, 2 * n), point_at(arcs, 2 * n + 1));
    query.FindClosestPoints(&target, &points->results);
    hits += points->results.size();
  }
  return hits;
}

Regions* bm_regions_new() { return new Regions(); }

void bm_regions_free(Regions* regions) { delete regions; }

// Radians: least and greatest latitude, western and eastern longitude.
void bm_regions_add_rect(Regions* regions, const double* lat, const double* lng) {
  regions->push_back(
      std::make_unique<S2LatLngRect>(R1Interval(lat[0], lat[1]), S1Interval(lng[0], lng[1])));
}

// A polygon of one ring; inside is to the left.
void bm_regions_add_ring(Regions* regions, const double* xyz, size_t count) {
  std::vector<S2Point> ring;
  for (size_t n = 0; n < count; ++n) ring.push_back(point_at(xyz, n));
  regions->push_back(std::make_unique<S2Polygon>(std::make_unique<S2Loop>(ring)));
}

// Everybody in some of the regions, one region behind the other: a covering, and the points of its cells one by one. Rows are
// written up to room.
size_t bm_points_in_regions(const Points* points, const Regions* regions, size_t first, size_t count,
                            uint32_t* rows, size_t room) {
  S2RegionCoverer::Options options;
  options.set_max_cells(8);
  S2RegionCoverer coverer(options);
  std::vector<S2CellId> covering;
  Index::Iterator it(&points->index);
  size_t hits = 0;
  for (size_t n = first; n < first + count; ++n) {
    const S2Region& region = *(*regions)[n];
    coverer.GetCovering(region, &covering);
    for (S2CellId id : covering) {
      for (it.Seek(id.range_min()); !it.done() && it.id() <= id.range_max(); it.Next()) {
        if (!region.Contains(it.point())) continue;
        if (rows != nullptr && hits < room) rows[hits] = it.data();
        ++hits;
      }
    }
  }
  return hits;
}

// --- coverings ------------------------------------------------------------------------------

// Coverings of caps, one behind the other; gives their cells' number. Where ids is not null they are written there,
// up to room, and each covering's length to lengths.
size_t bm_cover_caps(const double* centers, size_t count, double radius_rad, int cells_max, bool fast,
                     uint64_t* ids, uint32_t* lengths, size_t room) {
  S2RegionCoverer::Options options;
  options.set_max_cells(cells_max);
  S2RegionCoverer coverer(options);
  std::vector<S2CellId> covering;
  size_t cells = 0;
  for (size_t n = 0; n < count; ++n) {
    const S2Cap cap(point_at(centers, n), S1Angle::Radians(radius_rad));
    if (fast) {
      coverer.GetFastCovering(cap, &covering);
    } else {
      coverer.GetCovering(cap, &covering);
    }
    if (lengths != nullptr) lengths[n] = static_cast<uint32_t>(covering.size());
    for (S2CellId id : covering) {
      if (ids != nullptr && cells < room) ids[cells] = id.id();
      ++cells;
    }
  }
  return cells;
}

// --- polygons -------------------------------------------------------------------------------

MutableS2ShapeIndex* bm_shapes_new() { return new MutableS2ShapeIndex(); }

void bm_shapes_free(MutableS2ShapeIndex* shapes) { delete shapes; }

// Adds a shape of so many rings, each of so many points, first and last differing; inside is to the left.
void bm_shapes_add(MutableS2ShapeIndex* shapes, const double* xyz, const uint32_t* lengths,
                   size_t rings) {
  std::vector<std::vector<S2Point>> loops(rings);
  size_t at = 0;
  for (size_t ring = 0; ring < rings; ++ring) {
    for (uint32_t n = 0; n < lengths[ring]; ++n) loops[ring].push_back(point_at(xyz, at++));
  }
  shapes->Add(std::make_unique<S2LaxPolygonShape>(loops));
}

void bm_shapes_build(MutableS2ShapeIndex* shapes) { shapes->ForceBuild(); }

// The first shape that contains each point, or -1.
void bm_shapes_containing(const MutableS2ShapeIndex* shapes, const double* xyz, size_t count,
                          int32_t* found) {
  auto query = MakeS2ContainsPointQuery(shapes);
  for (size_t n = 0; n < count; ++n) {
    int32_t first = -1;
    query.VisitContainingShapes(point_at(xyz, n), [&first](S2Shape* shape) {
      first = shape->id();
      return false;
    });
    found[n] = first;
  }
}

// The distance in radians to the nearest shape, 0 inside of one.
void bm_shapes_distances(const MutableS2ShapeIndex* shapes, const double* xyz, size_t count,
                         double* distances) {
  S2ClosestEdgeQuery query(shapes);
  query.mutable_options()->set_include_interiors(true);
  for (size_t n = 0; n < count; ++n) {
    S2ClosestEdgeQuery::PointTarget target(point_at(xyz, n));
    distances[n] = query.GetDistance(&target).ToAngle().radians();
  }
}

// How many shapes are within a distance: this version gives edges, of which the shapes are counted here.
void bm_shapes_within(const MutableS2ShapeIndex* shapes, const double* xyz, size_t count,
                      double radius_rad, uint32_t* found) {
  S2ClosestEdgeQuery query(shapes);
  query.mutable_options()->set_include_interiors(true);
  query.mutable_options()->set_inclusive_max_distance(S1Angle::Radians(radius_rad));
  std::vector<S2ClosestEdgeQuery::Result> results;
  std::vector<int> ids;
  for (size_t n = 0; n < count; ++n) {
    S2ClosestEdgeQuery::PointTarget target(point_at(xyz, n));
    query.FindClosestEdges(&target, &results);
    ids.clear();
    for (const auto& result : results) ids.push_back(result.shape_id());
    std::sort(ids.begin(), ids.end());
    found[n] = static_cast<uint32_t>(std::unique(ids.begin(), ids.end()) - ids.begin());
  }
}

// --- predicates -----------------------------------------------------------------------------

// Three points a triple: 1 when they turn left, -1 when right, 0 when two are equal.
void bm_orientations(const double* xyz, size_t count, int8_t* signs) {
  for (size_t n = 0; n < count; ++n) {
    signs[n] = static_cast<int8_t>(
        s2pred::Sign(point_at(xyz, 3 * n), point_at(xyz, 3 * n + 1), point_at(xyz, 3 * n + 2)));
  }
}

}  // extern "C"
