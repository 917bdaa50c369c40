import Passes
import Testing

@Suite("Pass registry")
struct RegistryTests {
  @Test("names are unique, sorted and in kebab-case")
  func names() {
    let names = PassRegistry.standard.names
    #expect(names == Set(names).sorted())
    #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0 == "-" } })
  }

  @Test("every pass and option explains itself in a sentence")
  func documentation() {
    for pass in PassRegistry.standard.passes {
      #expect(pass.abstract.hasSuffix("."))
      for option in pass.options { #expect(option.help.hasSuffix(".")) }
    }
  }
}
