import CofferCore
import CofferImport
import Foundation

/// A recipe for an image: a directory `guest/NAME` with a `build.sh` (guest/debian-12/build.sh tells the arguments).
struct ImageRecipe: Sendable {
    /// The recipe's name, and the image's offer.
    let name: String
    let names: Names
    let script: String
    /// What the script keeps between builds.
    let cache: String

    /// What a recipe's images are called, with the recipe's name as their offer.
    struct Names: Sendable {
        let publisher: String
        let sku: String
        /// The first number of versions.
        let major: Int32
    }

    static let known: [String: Names] = ["debian-12": Names(publisher: "Debian", sku: "12-gen2", major: 12)]

    /// The recipe of that name: below `directory`, else below `guest` beside this program or in a directory above it, which is
    /// where a clone has it.
    ///
    /// - Throws: ``ImageFailure`` if there is none.
    static func find(_ name: String, in directory: String?) throws(ImageFailure) -> ImageRecipe {
        guard let names = known[name] else { throw ImageFailure("There is no recipe '\(name)'; there are: \(known.keys.sorted().joined(separator: ", ")).") }
        var candidates: [String] = []
        if let directory {
            candidates = [directory]
        } else if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            var folder = URL(fileURLWithPath: own).deletingLastPathComponent()
            while folder.path != "/" {
                candidates.append(folder.path + "/guest")
                folder.deleteLastPathComponent()
            }
        }
        let scripts = candidates.map { "\($0)/\(name)/build.sh" }
        guard let script = scripts.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            throw ImageFailure("The recipe \(name) is not found. Recipes are in guest/ of Coffer's sources; name that directory with --recipes.")
        }
        let home = Environment["XDG_CACHE_HOME"] ?? (Environment["HOME"] ?? "/root") + "/.cache"
        return ImageRecipe(name: name, names: names, script: script, cache: "\(home)/coffer/images/\(name)")
    }

    /// What the image would be made of now, as one word: it changes with the recipe, its packages' versions, and the size.
    func fingerprint(gigabytes: Int) async throws -> String {
        let output = try await ScriptProcess.run([script, "fingerprint", cache, String(gigabytes)], capturesOutput: true)
        let word = output.trimmingCharacters(in: .whitespacesAndNewlines)
        guard word.utf8.count == 64, word.allSatisfy(\.isHexDigit) else { throw ImageFailure("\(script) gave no fingerprint.") }
        return word
    }

    /// Makes the image, a raw disk at `path`, telling on standard output how far it is.
    func build(gigabytes: Int, at path: String) async throws {
        _ = try await ScriptProcess.run([script, "image", cache, String(gigabytes), path], capturesOutput: false)
    }

    /// What a record says of an image that was made of this recipe.
    func origin(_ fingerprint: String) -> String { "\(name)@\(fingerprint)" }
}

extension ImageRecipe {
    /// The record of an image that was built today.
    ///
    /// - Parameter patch: The last number of its version, from the middle one, the day as YYYYMMDD.
    /// - Throws: ``CatalogueError`` if the disk cannot be read, `CancellationError`.
    func record(of disk: String, origin: String, patch: (Int32) -> Int32) throws -> ImageRecord {
        let now = SystemClock().now()
        let date = CivilDate(daysSince1970: now.seconds / 86_400)
        let day = Int32(clamping: date.year * 10_000 + date.month * 100 + date.day)
        guard let version = ImageVersion(names.major, day, patch(day)) else { throw ImageFailure("today is no day of a version") }
        let digest = try DiskDigest(ofFile: disk)
        return ImageRecord(
            name: try ImageName(publisher: names.publisher, offer: name, sku: names.sku, version: version), osType: .linux, hyperVGeneration: .v2,
            sizeBytes: digest.byteCount, sha256: digest.sha256, created: now.description, builtFrom: origin)
    }
}
