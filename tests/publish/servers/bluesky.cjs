// A Personal Data Server of Bluesky with a directory of its own, on this machine alone: node bluesky.cjs FOLDER PORT
const { PDS, envToCfg, envToSecrets, readEnv } = require('@atproto/pds')
const plc = require('@did-plc/server')

async function main(folder, port) {
  const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: 0 })
  const listening = await directory.start()
  Object.assign(process.env, {
    LOG_ENABLED: 'false',
    PDS_ADMIN_PASSWORD: 'only for tests',
    PDS_BLOBSTORE_DISK_LOCATION: `${folder}/blobs`,
    PDS_DATA_DIRECTORY: folder,
    PDS_DEV_MODE: 'true',
    PDS_DID_PLC_URL: `http://localhost:${listening.address().port}`,
    PDS_HOSTNAME: 'localhost',
    PDS_INVITE_REQUIRED: 'false',
    PDS_JWT_SECRET: 'only for tests',
    PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: '11'.repeat(32),
    PDS_PORT: port,
    PDS_RATE_LIMITS_ENABLED: 'false',
    PDS_SERVICE_HANDLE_DOMAINS: '.test',
  })
  const settings = readEnv()
  const server = await PDS.create(envToCfg(settings), envToSecrets(settings))
  await server.start()
  console.log('ready')
}

main(process.argv[2], process.argv[3])
