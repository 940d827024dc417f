import CofferCore
import CofferImport

/// Puts built images into an installation's catalogue, under the day's version: `12.20261128.0`, `.1` for the second one of the day.
struct CatalogueShelf: ImageShelf {
    let catalogue: ImageCatalogue

    func image(from origin: String) -> String? {
        catalogue.list().images.last { $0.record.builtFrom == origin }?.record.name.description
    }

    func make(_ recipe: ImageRecipe, origin: String, gigabytes: Int) async throws -> String {
        let stage = try catalogue.stage()
        defer { stage.abandon() }
        try await recipe.build(gigabytes: gigabytes, at: stage.diskPath)
        let record = try recipe.record(of: stage.diskPath, origin: origin) { day in nextVersion(of: recipe, day: day) }
        let image = try catalogue.publish(stage, as: record)
        return "\(record.name) is at \(image.diskPath)."
    }

    private func nextVersion(of recipe: ImageRecipe, day: Int32) -> Int32 {
        let versions = catalogue.list().images.map(\.record.name)
            .filter { $0.isOf(publisher: recipe.names.publisher, offer: recipe.name, sku: recipe.names.sku) }
            .map(\.version).filter { $0.major == recipe.names.major && $0.minor == day }
        return versions.max().map { $0.patch + 1 } ?? 0
    }
}
