import ArgumentParser
import CofferClient
import CofferImport
import CofferModel

struct ImageCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "The images that `az vm create --image PUBLISHER:OFFER:SKU:VERSION` finds.",
        subcommands: [BuildImageCommand.self, ImportImageCommand.self, ListImagesCommand.self, DeleteImageCommand.self])
}

extension DataDirectory {
    var images: ImageCatalogue { ImageCatalogue(directory: imagesPath) }
}

struct ListImagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the images.", discussion: "Directories that hold no image that can be used are named with the reason.")

    @OptionGroup var data: DataOption

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() throws {
        let (images, refused) = data.directory.images.list()
        switch output {
        case .json:
            let value = images.map { image in
                var members = image.record.json.object ?? [:]
                members["diskPath"] = .string(image.diskPath)
                return JSONValue.object(members)
            }
            try Printer.json(["value": .array(value), "refused": .array(refused.map { ["path": .string($0.path), "reason": .string($0.reason)] })])
        case .table:
            Printer.table(
                ["IMAGE", "OS", "GENERATION", "SIZE", "CREATED", "BUILT FROM"],
                images.map { image in
                    let record = image.record
                    return [
                        record.name.description, record.osType.rawValue, record.hyperVGeneration.rawValue, Printer.size(Int64(clamping: record.sizeBytes)),
                        String(record.created.prefix(10)), String(record.builtFrom.prefix(24)),
                    ]
                })
            for directory in refused { print("refused: \(directory.path): \(directory.reason)") }
        }
    }
}

struct DeleteImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete an image. Disks that were made of it stay as they are.")

    @Argument(help: ArgumentHelp("PUBLISHER:OFFER:SKU:VERSION, as `coffer image list` shows it.", valueName: "image"))
    var image: String

    @OptionGroup var data: DataOption

    func run() throws {
        let name = try ImageName(image)
        try data.directory.images.delete(name)
        print("\(name) is deleted.")
    }
}
