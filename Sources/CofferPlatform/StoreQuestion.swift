/// What a read of the store finds out, for ``Store/read(answering:_:)``: two equal questions are asked by the same body and
/// have answers of one type.
package struct StoreQuestion: Hashable, Sendable {
    /// What kind of question it is, different for each place that asks.
    package let kind: String
    /// What it is about: everything that the body takes from outside.
    package let subjects: [String]

    package init(_ kind: String, _ subjects: String...) {
        self.kind = kind
        self.subjects = subjects
    }
}
