/// The recurrences of ONNX: `RNN`, `GRU` and `LSTM`, forward and backward through time.
public enum Recurrence {
  public enum Cell: Sendable, Equatable {
    case plain, lstm
    /// Whether the reset gate is applied to the product with the recurrent weights rather than to the state before it.
    case gru(resetsProduct: Bool)

    public var gates: Int {
      switch self {
      case .plain: 1
      case .gru: 3
      case .lstm: 4
      }
    }
  }

  /// One run over the sequence.
  public struct Direction: Sendable {
    public let isReverse: Bool
    /// For gates, for what enters the state, and for what leaves it, as far as the cell has them.
    public let activations: [GateActivation]

    public init(isReverse: Bool, activations: [GateActivation]) {
      self.isReverse = isReverse
      self.activations = activations
    }
  }

  public struct Layout: Sendable {
    public var cell: Cell
    public var steps: Int
    public var batch: Int
    public var inputs: Int
    public var hidden: Int
    public var directions: [Direction]
    public var clip: Double?
    /// Whether the forget gate is what the input gate leaves.
    public var couplesInputAndForget: Bool
    public var isBatchFirst: Bool

    public init(
      cell: Cell, steps: Int, batch: Int, inputs: Int, hidden: Int, directions: [Direction], clip: Double? = nil,
      couplesInputAndForget: Bool = false, isBatchFirst: Bool = false
    ) {
      self.cell = cell
      self.steps = steps
      self.batch = batch
      self.inputs = inputs
      self.hidden = hidden
      self.directions = directions
      self.clip = clip
      self.couplesInputAndForget = couplesInputAndForget
      self.isBatchFirst = isBatchFirst
    }

    /// Columns of all gates.
    var gateWidth: Int { cell.gates * hidden }
    var rows: Int { steps * batch }

    @inline(__always)
    func inputRow(_ step: Int, _ sample: Int) -> Int { isBatchFirst ? sample * steps + step : step * batch + sample }

    @inline(__always)
    func outputRow(_ step: Int, _ direction: Int, _ sample: Int) -> Int {
      let count = directions.count
      return isBatchFirst
        ? (sample * steps + step) * count + direction : (step * count + direction) * batch + sample
    }

    @inline(__always)
    func stateRow(_ direction: Int, _ sample: Int) -> Int {
      isBatchFirst ? sample * directions.count + direction : direction * batch + sample
    }

    /// Elements of scratch a run forward takes, and one that is recorded and followed backward.
    public func scratchCount(isBackward: Bool) -> Int {
      let recorded = isBackward ? 4 * rows * hidden : 0
      return rows * gateWidth + batch * gateWidth + 8 * batch * hidden + recorded
    }
  }

  /// The tensors of a node, in ONNX's layouts.
  public struct Operands<T: Real> {
    public var x: UnsafePointer<T>
    public var w: UnsafePointer<T>
    public var r: UnsafePointer<T>
    public var bias: UnsafePointer<T>?
    public var lengths: UnsafePointer<Int32>?
    public var hidden: UnsafePointer<T>?
    public var cell: UnsafePointer<T>?
    public var peepholes: UnsafePointer<T>?

    public init(x: UnsafePointer<T>, w: UnsafePointer<T>, r: UnsafePointer<T>) {
      self.x = x
      self.w = w
      self.r = r
    }
  }

  /// Outputs, and gradients of them, where there are any.
  public struct Results<T: Real> {
    public var y: UnsafeMutablePointer<T>?
    public var hidden: UnsafeMutablePointer<T>?
    public var cell: UnsafeMutablePointer<T>?

    public init(
      y: UnsafeMutablePointer<T>?, hidden: UnsafeMutablePointer<T>?, cell: UnsafeMutablePointer<T>?
    ) {
      self.y = y
      self.hidden = hidden
      self.cell = cell
    }
  }

  /// `scratch` holds ``Layout/scratchCount(isBackward:)`` elements.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func run<T: Real>(
    _ operands: Operands<T>, _ results: Results<T>, _ layout: Layout, _ product: MatrixProduct,
    scratch: UnsafeMutablePointer<T>, workers: Workers
  ) {
    if operands.lengths != nil, let y = results.y {
      y.update(repeating: 0, count: layout.rows * layout.directions.count * layout.hidden)
    }
    for direction in layout.directions.indices {
      let pass = RecurrentPass(
        layout: layout, direction: direction, operands: operands, product: product, workers: workers,
        memory: RecurrentMemory(layout, scratch, isBackward: false))
      pass.run(results)
    }
  }
}

/// Scratch of one direction, cut up.
struct RecurrentMemory<T: Real> {
  /// What the input gives to each gate; activated gates after their step, their gradients after it was followed back.
  let gates: UnsafeMutablePointer<T>
  /// Gates of one step.
  let step: UnsafeMutablePointer<T>
  let hidden: UnsafeMutablePointer<T>
  let cell: UnsafeMutablePointer<T>
  let candidate: UnsafeMutablePointer<T>
  let hiddenGradient: UnsafeMutablePointer<T>
  let cellGradient: UnsafeMutablePointer<T>
  let product: UnsafeMutablePointer<T>
  let candidateGradient: UnsafeMutablePointer<T>
  let activated: UnsafeMutablePointer<T>
  /// States before and after each step, by rows of the input, for the way back.
  let record: Record?

  struct Record {
    let hiddenBefore: UnsafeMutablePointer<T>
    let cellBefore: UnsafeMutablePointer<T>
    let cellAfter: UnsafeMutablePointer<T>
    /// Of `GRU`: the product the reset gate is applied to, or the state it was applied to.
    let candidate: UnsafeMutablePointer<T>
  }

  init(_ layout: Recurrence.Layout, _ scratch: UnsafeMutablePointer<T>, isBackward: Bool) {
    let (state, width) = (layout.batch * layout.hidden, layout.gateWidth)
    gates = scratch
    step = gates + layout.rows * width
    hidden = step + layout.batch * width
    cell = hidden + state
    candidate = cell + state
    hiddenGradient = candidate + state
    cellGradient = hiddenGradient + state
    product = cellGradient + state
    candidateGradient = product + state
    activated = candidateGradient + state
    let records = activated + state
    let count = layout.rows * layout.hidden
    record =
      isBackward
      ? Record(
        hiddenBefore: records, cellBefore: records + count, cellAfter: records + 2 * count,
        candidate: records + 3 * count) : nil
  }
}
