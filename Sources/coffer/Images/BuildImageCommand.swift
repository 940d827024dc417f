import ArgumentParser
import CofferCore
import CofferImport
import Foundation

struct BuildImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Make an image from a recipe: debian-12.",
        discussion: """
            The image becomes Debian:debian-12:12-gen2:12.YYYYMMDD.N in the data directory, or the raw disk that --output names. If there
            is one of the same recipe, packages and size, nothing is done. Debian comes from where apt of this machine gets bookworm, else
            from its public mirror, or from the `deb` lines of the file that COFFER_DEBIAN_SOURCES names.
            """)

    @Argument(help: "The recipe: debian-12.")
    var recipe: String

    @OptionGroup var data: DataOption

    @Option(help: ArgumentHelp("Make this raw disk instead, and FILE.json that describes it.", valueName: "file"))
    var output: String?

    @Option(help: "The size of the disk in GiB.")
    var sizeGb = 2

    @Option(help: ArgumentHelp("Where recipes are (default: guest/ beside this program or above it).", valueName: "directory"))
    var recipes: String?

    @Flag(help: "Make a new one even if there is one like it.")
    var force = false

    func validate() throws {
        guard (2...1024).contains(sizeGb) else { throw ValidationError("--size-gb is 2 to 1024") }
    }

    func run() async throws {
        let plan = try ImageRecipe.find(recipe, in: recipes)
        let (size, isForced) = (sizeGb, force)
        let place: any ImageShelf =
            if let output {
                FileShelf(path: URL(fileURLWithPath: output).path)
            } else {
                CatalogueShelf(catalogue: data.directory.images)
            }
        let line = try await Interruptible.run {
            let origin = plan.origin(try await plan.fingerprint(gigabytes: size))
            if !isForced, let there = place.image(from: origin) { return "\(there) is up to date." }
            return try await place.make(plan, origin: origin, gigabytes: size)
        }
        print(line)
    }
}
