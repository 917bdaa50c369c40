import Testing

@testable import CommandLineTool

/// What is drawn on terminals of any width.
@Suite("Progress")
struct ProgressBarTests {
  private func status(
    step: Int = 120, top1: Double? = 0.512, norms: (redundant: Double, important: Double)? = nil
  ) -> TrainStatus {
    TrainStatus(
      step: step, total: 2500, epoch: 1, loss: 0.6931, top1: top1, norms: norms, samplesPerSecond: 812,
      secondsLeft: 95)
  }

  @Test("a training step shows what fits: the bar gives way first, the loss last")
  func widths() {
    let whole = "loss 0.6931, top-1 51.2 %, 812 samples/s, 95 s left"
    #expect(status().bar(width: 120) == "step 120/2,500 [=                       ] \(whole)")
    #expect(status().bar(width: 80) == "step 120/2,500 [          ] \(whole)")
    #expect(status().bar(width: 60) == "step 120/2,500 [     ] loss 0.6931, top-1 51.2 %, 95 s left")
    #expect(status().bar(width: 40) == "step 120/2,500 loss 0.6931, 95 s left")
    #expect(status().bar(width: 28) == "step 120/2,500 loss 0.6931")
    #expect(status(top1: nil).bar(width: 40) == status().bar(width: 40))
    #expect(status(step: 1250).bar(width: 120).contains("[============            ]"))
  }

  @Test("no line reaches the last column", arguments: [0, 1, 10, 20, 40, 80, 120, 500])
  func fits(_ width: Int) {
    for step in [1, 999, 2500] { #expect(status(step: step).bar(width: width).count <= max(0, width - 1)) }
    let line = ProgressBar.line("scoring", share: 0.5, details: ["50 %, 3 s left", "50 %"], width: width)
    #expect(line.count <= max(0, width - 1))
  }

  @Test("a log has the whole line")
  func log() {
    #expect(status().line == "step 120/2,500, epoch 1: loss 0.6931, top-1 51.2 %, 812 samples/s, 95 s left")
  }

  @Test("norms are in a log, and on a terminal where there is room for everything")
  func norms() {
    let measured = status(norms: (redundant: 1.2, important: 34.5))
    let whole = "loss 0.6931, top-1 51.2 %, redundant 1.20, important 34.5, 812 samples/s, 95 s left"
    #expect(measured.line == "step 120/2,500, epoch 1: \(whole)")
    #expect(measured.bar(width: 120).hasSuffix("] \(whole)"))
    #expect(measured.bar(width: 80) == status().bar(width: 80))
  }

  @Test("times are said in units that fit them")
  func times() {
    let seconds: [Double] = [0, 119, 119.5, 7140, 7141, 12_000, .infinity]
    #expect(
      seconds.map { ProgressBar.timeLeft($0) } == [
        "0 s left", "119 s left", "2 min left", "119 min left", "2 h 0 min left", "3 h 20 min left", "long left",
      ])
  }
}
