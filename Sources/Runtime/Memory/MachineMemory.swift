import Glibc

/// The memory a process can have here.
public enum MachineMemory {
  /// That of the machine, or of a control group this process is in where it is less; where nothing is told, no limit
  /// but what can be allocated.
  public static let byteCount: Int = {
    let (pages, width) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    let machine = pages > 0 && width > 0 ? pages * width : 1 << 46
    return limits.compactMap(number).reduce(machine, min)
  }()

  /// The files that hold limits: of the process's group and those around it, then of the first version of groups.
  private static var limits: [String] {
    let root = "/sys/fs/cgroup"
    let group = text(ofFile: "/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::/") }
    var parts = (group?.dropFirst(4) ?? "").split(separator: "/")
    var files = ["\(root)/memory.max", "\(root)/memory/memory.limit_in_bytes"]
    while !parts.isEmpty {
      files.append("\(root)/\(parts.joined(separator: "/"))/memory.max")
      parts.removeLast()
    }
    return files
  }

  /// What a file of one number holds; `nil` where there is none, or a word instead.
  private static func number(inFile path: String) -> Int? {
    Int(text(ofFile: path).prefix { $0.isNumber }).flatMap { $0 > 0 ? $0 : nil }
  }

  /// The beginning of a file; empty where there is none.
  private static func text(ofFile path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
