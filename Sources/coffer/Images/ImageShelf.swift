/// Where a built image goes.
protocol ImageShelf: Sendable {
    /// What to call the image that was made from `origin`, if it is there.
    func image(from origin: String) -> String?
    /// Builds the image and puts it there as a whole.
    ///
    /// - Returns: A sentence that says where it is.
    func make(_ recipe: ImageRecipe, origin: String, gigabytes: Int) async throws -> String
}
