// What V8 compiled once is kept, for this process, its threads and the processes it starts: a server is up in half the time.
// owns: where that is kept. never: a folder that anybody else may write to, as what lies there is run.
// always true: a file that was changed is compiled anew (its content is the key); without a place to write, nothing is kept.
'use strict'

const { enableCompileCache } = require('node:module')
const { join } = require('node:path')

process.env.NODE_COMPILE_CACHE ||= join(__dirname, '../node_modules/.cache/node')
enableCompileCache(process.env.NODE_COMPILE_CACHE)
