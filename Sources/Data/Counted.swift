/// A number of things as messages say it: `1 sample`, `2 samples`.
package func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
