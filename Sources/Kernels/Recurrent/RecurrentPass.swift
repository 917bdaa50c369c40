/// One direction of a recurrence.
struct RecurrentPass<T: Real> {
  let layout: Recurrence.Layout
  let direction: Int
  let operands: Recurrence.Operands<T>
  let product: MatrixProduct
  let workers: Workers
  let memory: RecurrentMemory<T>

  var width: Int { layout.gateWidth }
  var size: Int { layout.hidden }
  var w: UnsafePointer<T> { operands.w + direction * width * layout.inputs }
  var r: UnsafePointer<T> { operands.r + direction * width * size }
  var peepholes: UnsafePointer<T>? { operands.peepholes.map { $0 + direction * 3 * size } }
  var activations: [GateActivation] { layout.directions[direction].activations }

  func length(_ sample: Int) -> Int {
    operands.lengths.map { min(max(0, Int($0[sample])), layout.steps) } ?? layout.steps
  }

  /// The place in the sequence that a sample is at after `time` steps; `nil` behind its end.
  @inline(__always)
  func place(_ time: Int, _ sample: Int) -> Int? {
    let length = length(sample)
    guard time < length else { return nil }
    return layout.directions[direction].isReverse ? length - 1 - time : time
  }

  // MARK: Forward

  func run(_ results: Recurrence.Results<T>) {
    multiplyInputs()
    loadState(operands.hidden, memory.hidden)
    loadState(operands.cell, memory.cell)
    for time in 0..<layout.steps {
      gatherGates(time)
      recordStates(time)
      switch layout.cell {
      case .plain: plainStep(time)
      case .lstm: lstmStep(time)
      case .gru(let resetsProduct): gruStep(time, resetsProduct: resetsProduct)
      }
      finishStep(time, results.y)
    }
    storeState(memory.hidden, results.hidden)
    storeState(memory.cell, results.cell)
  }

  /// What all inputs of the sequence give to the gates, in one product, with the biases.
  private func multiplyInputs() {
    let rows = layout.rows
    guard rows > 0 else { return }
    if let bias = operands.bias.map({ $0 + direction * 2 * width }) {
      for column in 0..<width {
        memory.gates[column] = bias[column] + (isProductBias(column) ? 0 : bias[width + column])
      }
      for row in stride(from: 1, to: rows, by: 1) {
        (memory.gates + row * width).update(from: memory.gates, count: width)
      }
    }
    product(
      rows: rows, columns: width, inner: layout.inputs, MatrixProduct.Operand(operands.x, leading: layout.inputs),
      MatrixProduct.Operand(w, leading: layout.inputs, isTransposed: true), beta: operands.bias == nil ? 0 : 1,
      memory.gates, leading: width, workers: workers)
  }

  /// Whether the recurrent bias of a column belongs to the product the reset gate is applied to.
  private func isProductBias(_ column: Int) -> Bool {
    layout.cell == .gru(resetsProduct: true) && column >= 2 * size
  }

  private func loadState(_ state: UnsafePointer<T>?, _ target: UnsafeMutablePointer<T>) {
    guard let state else { return target.update(repeating: 0, count: layout.batch * size) }
    for sample in 0..<layout.batch {
      (target + sample * size).update(from: state + layout.stateRow(direction, sample) * size, count: size)
    }
  }

  func storeState(_ state: UnsafeMutablePointer<T>, _ target: UnsafeMutablePointer<T>?) {
    guard let target else { return }
    for sample in 0..<layout.batch {
      (target + layout.stateRow(direction, sample) * size).update(from: state + sample * size, count: size)
    }
  }

  private func gatherGates(_ time: Int) {
    for sample in 0..<layout.batch {
      // What stands in the rows of samples that have ended does not matter, as long as it is a number.
      let row = layout.inputRow(place(time, sample) ?? 0, sample)
      (memory.step + sample * width).update(from: memory.gates + row * width, count: width)
    }
  }

  private func recordStates(_ time: Int) {
    guard let record = memory.record else { return }
    for sample in 0..<layout.batch {
      guard let place = place(time, sample) else { continue }
      let row = layout.inputRow(place, sample) * size
      (record.hiddenBefore + row).update(from: memory.hidden + sample * size, count: size)
      (record.cellBefore + row).update(from: memory.cell + sample * size, count: size)
    }
  }

  private func finishStep(_ time: Int, _ y: UnsafeMutablePointer<T>?) {
    for sample in 0..<layout.batch {
      guard let place = place(time, sample) else { continue }
      let row = layout.inputRow(place, sample)
      if let y {
        (y + layout.outputRow(place, direction, sample) * size)
          .update(from: memory.hidden + sample * size, count: size)
      }
      guard let record = memory.record else { continue }
      (memory.gates + row * width).update(from: memory.step + sample * width, count: width)
      (record.cellAfter + row * size).update(from: memory.cell + sample * size, count: size)
      (record.candidate + row * size).update(from: memory.candidate + sample * size, count: size)
    }
  }

  /// Adds the product of a state with the recurrent weights of some gates.
  private func addRecurrent(_ state: UnsafePointer<T>, gates: Range<Int>) {
    product(
      rows: layout.batch, columns: gates.count * size, inner: size, MatrixProduct.Operand(state, leading: size),
      MatrixProduct.Operand(r + gates.lowerBound * size * size, leading: size, isTransposed: true), beta: 1,
      memory.step + gates.lowerBound * size, leading: width, workers: workers)
  }

  @inline(__always)
  private func clip(_ row: UnsafeMutablePointer<T>, _ count: Int) {
    guard let bound = layout.clip.map({ T($0) }) else { return }
    for index in 0..<count { row[index] = min(max(row[index], -bound), bound) }
  }

  // MARK: Cells

  private func plainStep(_ time: Int) {
    addRecurrent(memory.hidden, gates: 0..<1)
    let activation = activations[0]
    for sample in 0..<layout.batch where place(time, sample) != nil {
      let gate = memory.step + sample * width
      clip(gate, size)
      activation.apply(gate, size)
      (memory.hidden + sample * size).update(from: gate, count: size)
    }
  }

  private func lstmStep(_ time: Int) {
    addRecurrent(memory.hidden, gates: 0..<4)
    let activations = activations
    for sample in 0..<layout.batch where place(time, sample) != nil {
      lstmRow(
        memory.step + sample * width, memory.hidden + sample * size, memory.cell + sample * size, activations)
    }
  }

  /// Gates lie in the order input, output, forget, cell.
  private func lstmRow(
    _ input: UnsafeMutablePointer<T>, _ hidden: UnsafeMutablePointer<T>, _ cell: UnsafeMutablePointer<T>,
    _ activations: [GateActivation]
  ) {
    let (output, forget, candidate) = (input + size, input + 2 * size, input + 3 * size)
    if let peepholes {
      for index in 0..<size {
        input[index] += peepholes[index] * cell[index]
        forget[index] += peepholes[2 * size + index] * cell[index]
      }
    }
    for gate in [input, forget, candidate] { clip(gate, size) }
    activations[0].apply(input, size)
    activations[1].apply(candidate, size)
    if layout.couplesInputAndForget {
      for index in 0..<size { forget[index] = 1 - input[index] }
    } else {
      activations[0].apply(forget, size)
    }
    for index in 0..<size { cell[index] = forget[index] * cell[index] + input[index] * candidate[index] }
    if let peepholes {
      for index in 0..<size { output[index] += peepholes[size + index] * cell[index] }
    }
    clip(output, size)
    activations[0].apply(output, size)
    hidden.update(from: cell, count: size)
    activations[2].apply(hidden, size)
    for index in 0..<size { hidden[index] *= output[index] }
  }

  /// Gates lie in the order update, reset, hidden.
  private func gruStep(_ time: Int, resetsProduct: Bool) {
    let activations = activations
    addRecurrent(memory.hidden, gates: 0..<2)
    for sample in 0..<layout.batch {
      let gates = memory.step + sample * width
      clip(gates, 2 * size)
      activations[0].apply(gates, 2 * size)
    }
    if resetsProduct {
      multiplyCandidates()
    } else {
      for sample in 0..<layout.batch {
        let (reset, state) = (memory.step + sample * width + size, memory.hidden + sample * size)
        for index in 0..<size { memory.candidate[sample * size + index] = reset[index] * state[index] }
      }
      addRecurrent(memory.candidate, gates: 2..<3)
    }
    for sample in 0..<layout.batch where place(time, sample) != nil {
      let update = memory.step + sample * width
      let (reset, next) = (update + size, update + 2 * size)
      let (state, products) = (memory.hidden + sample * size, memory.candidate + sample * size)
      if resetsProduct {
        for index in 0..<size { next[index] += reset[index] * products[index] }
      }
      clip(next, size)
      activations[1].apply(next, size)
      for index in 0..<size { state[index] = next[index] + update[index] * (state[index] - next[index]) }
    }
  }

  /// The products of states with the weights of the hidden gate, with their bias.
  private func multiplyCandidates() {
    let bias = operands.bias.map { $0 + direction * 2 * width + width + 2 * size }
    for sample in 0..<layout.batch {
      let row = memory.candidate + sample * size
      if let bias { row.update(from: bias, count: size) } else { row.update(repeating: 0, count: size) }
    }
    product(
      rows: layout.batch, columns: size, inner: size,
      MatrixProduct.Operand(UnsafePointer(memory.hidden), leading: size),
      MatrixProduct.Operand(r + 2 * size * size, leading: size, isTransposed: true), beta: 1, memory.candidate,
      leading: size, workers: workers)
  }
}
