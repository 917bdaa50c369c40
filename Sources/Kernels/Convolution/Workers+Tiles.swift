import Synchronization

extension Workers {
  /// The most threads that work on tiles at once, which is what scratch memory is measured for.
  static var lanes: Int { min(16, Workers.all.count) }

  /// Calls `body` for every tile with the lane it runs in: calls in the same lane follow one another, so a lane has
  /// scratch memory of its own. What a tile computes must not depend on its lane.
  func forEachTile(_ tiles: Int, _ body: (_ tile: Int, _ lane: Int) -> Void) {
    let next = Atomic(0)
    forEach(min(count, Self.lanes, tiles)) { lane in
      while true {
        let tile = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard tile < tiles else { return }
        body(tile, lane)
      }
    }
  }
}
