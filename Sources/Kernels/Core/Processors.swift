import Glibc

/// Processors this process may run on, asked once: the system looks it up in files each time.
let processorCount: Int = {
  // Its affinity, which `sched_getaffinity` would tell were it declared to Swift: a mask in hexadecimal digits.
  let key = "Cpus_allowed:"
  if let line = selfStatus().split(separator: "\n").first(where: { $0.hasPrefix(key) }) {
    let count = line.dropFirst(key.count).compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount }
    if count > 0 { return min(count, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
  }
  return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}()

private func selfStatus() -> String {
  guard let file = fopen("/proc/self/status", "r") else { return "" }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 14)
  let count = fread(&bytes, 1, bytes.count, file)
  return String(decoding: bytes[..<count], as: UTF8.self)
}
