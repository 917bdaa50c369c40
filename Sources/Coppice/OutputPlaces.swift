import Glibc

/// Whether outputs may be written, asked before the work that makes them.
enum OutputPlaces {
  /// - Throws: what writing there would throw because of a file that exists already.
  static func check(_ paths: [String], overwrite: Bool, protecting inputs: [String]) throws(ONNXFileError) {
    for path in paths {
      var own = stat()
      guard stat(path, &own) == 0 else { continue }
      for input in inputs {
        var other = stat()
        guard stat(input, &other) == 0, other.st_dev == own.st_dev, other.st_ino == own.st_ino else { continue }
        throw .outputIsInput(path: path)
      }
      guard own.st_mode & S_IFMT == S_IFREG else { throw .cannotWrite(path: path, reason: "it is not a file") }
      guard overwrite else { throw .outputExists(path: path) }
    }
    let named = paths.sorted()
    for (path, next) in zip(named, named.dropFirst()) where path == next {
      throw .cannotWrite(path: path, reason: "it is named for two outputs")
    }
  }
}
