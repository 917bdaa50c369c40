import Foundation
import Kernels

/// Convolutions and products of well-known networks, each against the machine's own limit, measured in the same run:
/// the rate of large matrix products for those that compute, the rate of a copy for those that move.
///
///     KernelBenchmark [THREADS] [NAME]
let arguments = CommandLine.arguments.dropFirst()
let workers = Workers(count: arguments.compactMap { Int($0) }.first ?? Workers.all.count)
let filter = arguments.first { Int($0) == nil } ?? ""
let product = MatrixProduct(try BLAS.shared())

let limits = Limits(product, workers)
print(
  "\(workers.count) threads; matrix products \(format(limits.productRate / 1e9, 0)) G multiply-accumulates/s, "
    + "copies \(format(limits.copyRate / 1e9, 1)) GB/s")
print(header())
for layer in Layer.all where filter.isEmpty || layer.name.contains(filter) {
  for direction in Direction.allCases {
    let seconds = layer.measure(direction, product, workers)
    print(row(layer, direction, seconds, limits))
  }
}

private func header() -> String {
  "layer".padding(toLength: 28, withPad: " ", startingAt: 0) + "direction       ms   GMAC/s  of products  of copies"
}

private func row(_ layer: Layer, _ direction: Direction, _ seconds: Double, _ limits: Limits) -> String {
  layer.name.padding(toLength: 28, withPad: " ", startingAt: 0)
    + direction.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
    + column(format(seconds * 1e3, 3), 9) + column(format(layer.macs / seconds / 1e9, 1), 9)
    + column(format(100 * layer.macs / seconds / limits.productRate, 0) + " %", 13)
    + column(format(100 * layer.bytes / seconds / limits.copyRate, 0) + " %", 11)
}

private func column(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

private func format(_ number: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", number) }
