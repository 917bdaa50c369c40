/// The criteria users can name. Every one is listed here and nowhere else.
public enum Criteria {
  public static let all: [any Criterion] = [
    Magnitude(power: .absolute), Magnitude(power: .square), BatchNormScale(), LayerAdaptiveMagnitude(),
    GeometricMedian(), RandomScore(),
    MeanActivation(), NonzeroShare(), Wanda(), Fluctuation(),
    ConnectionSensitivity(), GradientSignal(), GradientFlowPreservation(), SynapticFlow(), Taylor(), Taylor(.square),
    FisherInformation(), HessianDiagonal(),
  ]

  public static func named(_ name: String) -> (any Criterion)? { all.first { $0.name == name } }
}
