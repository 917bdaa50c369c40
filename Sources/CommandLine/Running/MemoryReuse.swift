import CMalloc

/// How the allocator deals with large pieces of memory.
enum MemoryReuse {
  /// Tensors of a running model are let go of and asked for again all the time. Given back to the system in between,
  /// each of their pages would have to be cleared and mapped anew: a tenth of the time of calibrated pruning.
  static func install() {
    // Older C libraries refuse more than 32 MB, and what is refused must not be fixed by the next line.
    guard mallopt(M_MMAP_THRESHOLD, 128 << 20) != 0 || mallopt(M_MMAP_THRESHOLD, 32 << 20) != 0 else { return }
    mallopt(M_TRIM_THRESHOLD, 512 << 20)
  }
}
