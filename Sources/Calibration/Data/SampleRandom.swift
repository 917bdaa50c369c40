import DataSources
import Glibc

/// The random numbers of one sample of one input: the same whatever is drawn for others, and in whatever order.
struct SampleRandom {
  private var random: CounterRandom

  /// - Parameter input: the name of the input.
  init(seed: UInt64, input: String, sample: Int) {
    // FNV-1a, because the standard library's hashes differ from run to run.
    let name = input.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    random = CounterRandom(seed: seed, Int(truncatingIfNeeded: name), sample)
  }

  /// A number below `bound`, each as likely.
  mutating func number(below bound: Int) -> Int { random.number(below: bound) }

  /// From zero up to one, which is left out.
  mutating func uniform() -> Double { Double(random.next() >> 11) * 0x1p-53 }

  mutating func uniform(from low: Double, to high: Double) -> Double { low + (high - low) * uniform() }

  /// Of mean zero and variance one (Box and Muller 1958).
  mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }
}
