import Passes
import Testing

@Suite("Scalars")
struct ScalarValueTests {
  @Test(
    "plain scalars mean what YAML 1.2 says",
    arguments: [
      ("yes", ScalarValue.text("yes")), ("no", .text("no")), ("on", .text("on")), ("off", .text("off")),
      ("true", .bool(true)), ("False", .bool(false)), ("010", .int(10)), ("0o10", .int(8)), ("0x1F", .int(31)),
      ("-7", .int(-7)), ("+7", .int(7)), ("1e-3", .real(0.001)), (".5", .real(0.5)), ("1.", .real(1)),
      ("-2.5e2", .real(-250)), ("", .null), ("~", .null), ("1_000", .text("1_000")), ("12:30", .text("12:30")),
      ("50%", .text("50%")), ("nan", .text("nan")), ("1e", .text("1e")), ("-", .text("-")), ("--1", .text("--1")),
      ("0x", .text("0x")), ("1-2", .text("1-2")),
    ])
  func plain(_ text: String, _ value: ScalarValue) { #expect(ScalarValue(plain: text) == value) }
}

@Suite("Suggestions")
struct SuggestionTests {
  @Test(
    "a mistyped name finds the one that was meant",
    arguments: [
      ("prunne", "prune"), ("eliminate_dead_code", "eliminate-dead-code"), ("wirte", "write"), ("PRUNE", "prune"),
    ])
  func near(_ name: String, _ meant: String) {
    #expect(Suggestion.nearest(to: name, among: PassRegistry.standard.names) == meant)
  }

  @Test("a name that is like nothing finds nothing")
  func far() { #expect(Suggestion.nearest(to: "quantize", among: ["prune", "write"]) == nil) }
}
