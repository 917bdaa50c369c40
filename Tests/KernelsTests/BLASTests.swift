import Testing

@testable import Kernels

@Suite("BLAS")
struct BLASTests {
  struct Processor: Sendable, CustomTestStringConvertible {
    let vendor: String
    let family: String
    let flags: String
    let model: String

    init(_ vendor: String, _ family: String, _ flags: String, model: String = "17") {
      (self.vendor, self.family, self.flags, self.model) = (vendor, family, flags, model)
    }

    var testDescription: String { "\(vendor) \(family): \(flags)" }

    /// As Linux describes it.
    var text: String {
      """
      processor\t: 0
      vendor_id\t: \(vendor)
      cpu family\t: \(family)
      model\t\t: \(model)
      model name\t: A processor: of no name
      flags\t\t: \(flags)
      bugs\t\t: sysret_ss_attrs

      """
    }
  }

  static let narrow = "fpu sse4_2 avx2 fma rdseed sha_ni"
  static let wide = narrow + " avx512f avx512dq avx512cd avx512bw avx512vl avx512_vnni"

  @Test("of AMD's processors with 512 bits, those that halve them get kernels for 256")
  func wideVectors() {
    #expect(BLAS.kernels(for: Processor("AuthenticAMD", "25", Self.wide).text) == "Haswell")
    #expect(BLAS.kernels(for: Processor("AuthenticAMD", "26", Self.wide).text) == "SkylakeX")
    #expect(BLAS.kernels(for: Processor("AuthenticAMD", "26", Self.wide, model: "2").text) == "SkylakeX")
    #expect(BLAS.kernels(for: Processor("AuthenticAMD", "26", Self.wide, model: "36").text) == "Haswell")
    #expect(BLAS.kernels(for: Processor("AuthenticAMD", "26", Self.wide, model: "96").text) == "Haswell")
  }

  @Test("processors that OpenBLAS may be older than get the kernels of their widest vectors")
  func newProcessors() {
    for (vendor, family) in [("GenuineIntel", "6"), ("GenuineIntel", "18"), ("AuthenticAMD", "27")] {
      #expect(BLAS.kernels(for: Processor(vendor, family, Self.wide, model: "207").text) == "SkylakeX")
      #expect(BLAS.kernels(for: Processor(vendor, family, Self.narrow, model: "198").text) == "Haswell")
      #expect(BLAS.kernels(for: Processor(vendor, family, "fpu sse4_2 avx", model: "42").text) == nil)
      let noLengths = Self.narrow + " avx512f avx512dq avx512bw avx512_vnni"
      #expect(BLAS.kernels(for: Processor(vendor, family, noLengths).text) == "Haswell")
    }
    #expect(BLAS.kernels(for: Processor("AuthenticAMD", "26", Self.narrow).text) == "Haswell")
  }

  @Test(
    "all other processors get what OpenBLAS chooses",
    arguments: [
      Processor("AuthenticAMD", "25", narrow), Processor("AuthenticAMD", "26", ""),
      Processor("AuthenticAMD", "23", narrow), Processor("AuthenticAMD", "23", wide),
      Processor("AuthenticAMD", "many", wide), Processor("GenuineIntel", "5", wide),
      Processor("", "6", wide), Processor("", "", ""),
    ])
  func others(processor: Processor) {
    #expect(BLAS.kernels(for: processor.text) == nil)
  }

  @Test(
    "a text that describes no processor is none",
    arguments: ["", "\n\n", ":", "::: : :\n:", "vendor_id", "vendor_id : AuthenticAMD", "cpu family : 26\nflags"])
  func nonsense(text: String) {
    #expect(BLAS.kernels(for: text) == nil)
  }
}
