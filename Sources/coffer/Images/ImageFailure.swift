import CofferModel

/// Why a command about images failed: one sentence or a few.
struct ImageFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// What another part refused, in its own words.
    init(_ error: any Error) {
        description = (error as? APIError)?.message ?? "\(error)"
    }
}
