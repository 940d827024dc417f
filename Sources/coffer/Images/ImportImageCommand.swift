import ArgumentParser
import CofferCore
import CofferImport
import CofferPlatform
import Foundation

extension ImageRecord.OSType: ExpressibleByArgument {}
extension ImageRecord.HyperVGeneration: ExpressibleByArgument {}

struct ImportImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make an image of a file: raw, qcow2, VHD, VHDX or VMDK.",
        discussion: "The format is the one of the name's ending. The file is copied and not needed afterwards.")

    @Argument(help: "The file, or file:///PATH?format=raw|qcow2|vhd|vhdx|vmdk.")
    var file: String

    @Option(help: "Such as Debian.")
    var publisher: String

    @Option(help: "Such as debian-12.")
    var offer: String

    @Option(help: "Such as 12-gen2.")
    var sku: String

    @Option(help: "MAJOR.MINOR.PATCH.")
    var version: String

    @Option(help: "Linux or Windows.")
    var osType: ImageRecord.OSType = .linux

    @Option(name: .customLong("hyper-v-generation"), help: "V1: it starts by BIOS; V2: by UEFI.")
    var hyperVGeneration: ImageRecord.HyperVGeneration = .v2

    @OptionGroup var data: DataOption

    func run() async throws {
        guard let number = ImageVersion(version) else { throw ValidationError("'\(version)' is no version: MAJOR.MINOR.PATCH, such as 1.0.0") }
        let name = try ImageName(publisher: publisher, offer: offer, sku: sku, version: number)
        let catalogue = data.directory.images
        let reader = QemuImageReader(directory: "/")
        let uri = file.hasPrefix("file:") ? file : URL(fileURLWithPath: file).path
        let image = try await Interruptible.run {
            let source = try await reader.inspect(uri)
            guard source.byteCount > 0, source.byteCount % 512 == 0 else {
                throw ImageFailure("\(source.path) is no disk: \(source.byteCount) bytes are not whole sectors of 512.")
            }
            let stage = try catalogue.stage()
            defer { stage.abandon() }
            try await reader.write(source, toFile: stage.diskPath) { percent in ImageProgress.show("copying", percent) }
            ImageProgress.end()
            let digest = try DiskDigest(ofFile: stage.diskPath)
            let record = ImageRecord(
                name: name, osType: osType, hyperVGeneration: hyperVGeneration, sizeBytes: digest.byteCount, sha256: digest.sha256,
                created: SystemClock().now().description, builtFrom: String(source.path.split(separator: "/").last ?? "a file"))
            return try catalogue.publish(stage, as: record)
        }
        print("\(name) is at \(image.diskPath).")
    }
}

/// How far something is, on a terminal's line that is written over; nothing where there is no terminal.
enum ImageProgress {
    static func show(_ what: String, _ percent: Double) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r\(what): \(Int(percent)) % ".utf8))
    }

    static func end() {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r                    \r".utf8))
    }
}
