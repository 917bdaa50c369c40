import Glibc

/// The memory a process can have here.
public enum MachineMemory {
  /// That of the machine, or of the control group where it is less; where nothing is told, no limit but what can be
  /// allocated.
  public static let byteCount: Int = {
    let (pages, width) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    let machine = pages > 0 && width > 0 ? pages * width : 1 << 46
    let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap {
      number(inFile: $0)
    }
    return groups.reduce(machine, min)
  }()

  /// What a file of one number holds; `nil` where there is none, or a word instead.
  private static func number(inFile path: String) -> Int? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 32)
    let count = fread(&text, 1, 32, file)
    return Int(String(decoding: text[..<count], as: UTF8.self).filter { $0.isNumber }).flatMap { $0 > 0 ? $0 : nil }
  }
}
