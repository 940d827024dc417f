import CofferModel

/// What there is to say of a type or of the type of a child as far as it can be said by lists.
struct NetworkShape: Sendable {
    /// Such as `subnets`.
    let type: String
    /// Properties that name other resources.
    var links: [NetworkLink] = []
    /// Properties that Coffer tells: those of a request are passed over.
    var told: Set<String> = []
    /// Properties that would need a part of Azure's network that is not here: refused unless they are empty or switched off.
    var refused: Set<String> = []
    var children: [NetworkShape] = []
    /// What can be asked of a resource by a GET of `NAME/QUESTION`.
    var questions: [String] = []
    /// Of the type of a child: whether it is written by requests of its own. Others come with their parent.
    var isWritable = true
    /// Of the type of a child: whether a PUT of the parent that says nothing of any leaves those that there are.
    var staysIfLeftOut = false
    /// Of the type of a child: whether it follows from the parent and is no part of a request.
    var isTold = false
}
