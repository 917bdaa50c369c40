import IR
import Operators

/// What training makes small: a loss of one output, and perhaps the distance to a teacher's.
public struct Loss: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// Of logits against class numbers; ``ignoredLabel`` does not count. Classes are the last axis of `[N, C]` and
    /// `[N, T, C]`, and axis 1 where the labels say so.
    case crossEntropy(labelSmoothing: Float = 0)
    /// Of an output against a target of its shape.
    case meanSquaredError
    /// Of logits against probabilities of their shape.
    case binaryCrossEntropy
  }

  /// Knowledge distillation: the student follows the teacher's distribution over classes.
  public struct Distillation: Sendable, Hashable {
    public var temperature: Float
    /// The teacher's share of the loss; the labels have the rest.
    public var share: Float

    public init(temperature: Float = 4, share: Float = 0.5) {
      self.temperature = temperature
      self.share = share
    }
  }

  public var kind: Kind
  /// The output the loss is taken of; the model's first by default.
  public var output: String?
  public var distillation: Distillation?

  public init(_ kind: Kind, output: String? = nil, distillation: Distillation? = nil) {
    self.kind = kind
    self.output = output
    self.distillation = distillation
  }

  /// Of the model's first output, against class numbers.
  public static let crossEntropy = Loss(.crossEntropy())
  /// Of the model's first output, against targets of its shape.
  public static let meanSquaredError = Loss(.meanSquaredError)
  /// Of the model's first output, as logits, against probabilities of its shape.
  public static let binaryCrossEntropy = Loss(.binaryCrossEntropy)

  /// The field of the data that holds labels or targets.
  public static let labelField = "label"

  /// The class that stands for none: what has it is left out.
  public static let ignoredLabel = -100

  /// Whether labels are classes, and not numbers to come close to.
  public var hasClasses: Bool { if case .crossEntropy = kind { true } else { false } }

  /// Whether the output holds logits, from which probabilities are made.
  public var hasLogits: Bool { kind != .meanSquaredError }

  /// The type labels are fed in.
  public var labelType: DataType { hasClasses ? .int64 : .float }
}
