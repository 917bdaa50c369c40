import Pruning
import Testing

@Suite("Limits")
struct LimitTests {
  @Test(
    "shares, plain numbers and units are read",
    arguments: [
      ("50%", Quantity.macs, Limit.fraction(0.5)), ("12.5 %", .size, .fraction(0.125)),
      ("2.0e9", .macs, .absolute(2_000_000_000)),
      ("2G", .macs, .absolute(2_000_000_000)), ("1.5M", .parameters, .absolute(1_500_000)),
      ("20MB", .size, .absolute(20_000_000)), ("20 MiB", .size, .absolute(20_971_520)),
      ("512kib", .size, .absolute(524_288)), ("7", .size, .absolute(7)), ("7B", .size, .absolute(7)),
      ("1GB", .size, .absolute(1_000_000_000)), ("3e3K", .parameters, .absolute(3_000_000)),
    ])
  func reading(text: String, quantity: Quantity, expected: Limit) throws {
    #expect(try Limit(parsing: text, of: quantity) == expected)
  }

  @Test(
    "what is no limit is refused",
    arguments: [
      "", "%", "0%", "101%", "-5%", "x", "5x", "nan", "inf", "1e999", "0", "-3", "5%%", "5i", "MB", "1e", "٣", "1e30",
    ])
  func refusing(text: String) {
    for quantity in Quantity.allCases {
      #expect(throws: SelectionError.self) { try Limit(parsing: text, of: quantity) }
    }
  }

  @Test("bytes are a unit of sizes only")
  func bytes() { #expect(throws: SelectionError.self) { try Limit(parsing: "20MB", of: .macs) } }
}
