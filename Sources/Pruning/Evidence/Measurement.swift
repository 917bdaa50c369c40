/// Something that only running a model tells, which a criterion may need before it scores.
public enum Measurement: Hashable, Sendable {
  /// The gradient of the loss with respect to each weight, the mean over all samples.
  case gradients
  /// The mean over samples of the square of each sample's own gradient: the diagonal of the empirical Fisher
  /// information.
  case squaredGradients
  /// H·g, the Hessian of the loss times its gradient, with the logits divided by a temperature.
  case gradientFlow(temperature: Float)
  /// The diagonal of the loss's Hessian, estimated.
  case hessianDiagonal
  /// The gradient of the sum of the outputs where every weight is replaced by its magnitude and every input is one.
  case synapticFlow
  /// What each channel that a linear layer reads is like: ``ChannelStatistics``.
  case inputStatistics
  /// How much removing a channel changes the outputs of each linear layer, after the best repair of that layer and of
  /// what went before: the channels of a group go in a few parts.
  case removalLosses
  /// The same where channels go one after the other.
  case stepwiseLosses

  /// What has to be given for it.
  public enum Need: Int, Sendable, Comparable {
    case nothing, inputs, labels

    public static func < (a: Need, b: Need) -> Bool { a.rawValue < b.rawValue }
  }

  public var need: Need {
    switch self {
    case .gradients, .squaredGradients, .gradientFlow, .hessianDiagonal: .labels
    case .inputStatistics, .removalLosses, .stepwiseLosses: .inputs
    case .synapticFlow: .nothing
    }
  }
}
