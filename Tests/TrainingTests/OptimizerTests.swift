import Testing
import Training

/// Update rules by the numbers PyTorch gives for them.
@Suite("Optimizers")
struct OptimizerTests {
  /// Values after steps with these gradients.
  private func values(_ rule: some UpdateRule, _ start: Float, gradients: [Float], rate: Double) -> [Float] {
    var value = start
    var state = [[Float]](repeating: [0], count: rule.slots)
    var found: [Float] = []
    for (index, gradient) in gradients.enumerated() {
      var pointers: [UnsafeMutablePointer<Float>] = []
      let storage = state.map { slot in
        let pointer = UnsafeMutablePointer<Float>.allocate(capacity: 1)
        pointer.initialize(to: slot[0])
        pointers.append(pointer)
        return pointer
      }
      defer { for pointer in storage { pointer.deallocate() } }
      withUnsafePointer(to: gradient) { gradient in
        rule.update(&value, gradient: gradient, state: pointers, count: 1, step: index + 1, rate: rate, scale: 1)
      }
      for slot in state.indices { state[slot][0] = pointers[slot].pointee }
      found.append(value)
    }
    return found
  }

  private func expect(_ found: [Float], _ expected: [Float]) {
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-5, "\(found), expected \(expected)") }
  }

  @Test("gradient descent, plain, with momentum, Nesterov's, and weight decay")
  func descent() {
    expect(values(SGD(), 1, gradients: [1, 2], rate: 0.1), [0.9, 0.7])
    // v: 1, 2.9.
    expect(values(SGD(momentum: 0.9), 1, gradients: [1, 2], rate: 0.1), [0.9, 0.61])
    // g + 0.9 v: 1.9, 2 + 0.9·2.9.
    expect(values(SGD(momentum: 0.9, isNesterov: true), 1, gradients: [1, 2], rate: 0.1), [0.81, 0.349])
    expect(values(SGD(weightDecay: 0.5), 1, gradients: [1], rate: 0.1), [0.85])
  }

  @Test("the first step of Adam has the size of the learning rate")
  func adam() {
    expect(values(Adam(), 1, gradients: [3], rate: 0.1), [0.9])
    // Means 0.28/0.19 and 0.009991/0.001999 after gradients 3 and 1... by the formula, in double precision.
    let second = 0.9 - 0.1 * ((0.9 * 0.3 + 0.1) / 0.19) / ((0.999 * 0.009 + 0.001) / 0.001999).squareRoot()
    expect(values(Adam(), 1, gradients: [3, 1], rate: 0.1), [0.9, Float(second)])
  }

  @Test("AdamW shrinks values apart from the gradient")
  func adamW() { expect(values(AdamW(weightDecay: 0.5), 1, gradients: [3], rate: 0.1), [0.85]) }

  @Test("schedules warm up and go down")
  func schedules() {
    #expect(Schedule(.constant, warmUpSteps: 3).factor(step: 1, of: 10) == 0.5)
    #expect(Schedule(.constant, warmUpSteps: 3).factor(step: 3, of: 10) == 1)
    #expect(abs(Schedule(.cosine).factor(step: 5, of: 10) - 0.5) < 1e-12)
    #expect(Schedule(.linear).factor(step: 5, of: 10) == 0.5)
    let steps = (0..<9).map { Schedule(.step()).factor(step: $0, of: 9) }
    #expect(steps[2] == 1 && abs(steps[3] - 0.1) < 1e-12 && abs(steps[8] - 0.01) < 1e-12)
  }
}
