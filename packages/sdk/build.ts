// Makes the package that is published: `npm run build -w packages/sdk`, then `npm publish packages/sdk/dist`.
// owns: the layout of dist/. never: code of its own in it (types.d.ts alone is written, by build-types.ts).
// always true: the arithmetic of charges in it is the server's, file by file; nothing in it needs a dependency.

import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { typesOf } from './build-types.ts'

const HERE = import.meta.dirname
const ROOT = join(HERE, '../..')
/** What of server/contract/ the package carries; it imports nothing but itself. */
const SHARED = ['amounts', 'charge']

/** @param dist an empty or absent folder @returns its path */
export async function build(dist = join(HERE, 'dist')): Promise<string> {
  rmSync(dist, { recursive: true, force: true })
  const emitted = join(dist, '.emitted')
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', join(HERE, 'tsconfig.build.json'), '--outDir', emitted], {
    stdio: 'inherit',
  })
  cpSync(join(emitted, 'packages/sdk/src'), dist, { recursive: true })
  mkdirSync(join(dist, 'contract'))
  for (const name of SHARED) {
    for (const kind of ['js', 'd.ts'])
      renameSync(join(emitted, `server/contract/${name}.${kind}`), join(dist, `contract/${name}.${kind}`))
  }
  rmSync(emitted, { recursive: true })
  for (const file of globSync('**/*.{js,d.ts}', { cwd: dist })) rewrite(join(dist, file))
  writeFileSync(join(dist, 'types.d.ts'), await typesOf(readFileSync(join(HERE, 'src/types.ts'), 'utf8')))
  cpSync(join(HERE, 'src/react/styles.css'), join(dist, 'react/styles.css'))
  for (const [from, to] of [
    ['packages/sdk/README.md', 'README.md'],
    ['LICENSE', 'LICENSE'],
  ] as const)
    cpSync(join(ROOT, from), join(dist, to))
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
  return dist
}

function rewrite(file: string): void {
  const text = readFileSync(file, 'utf8')
  // Declarations keep the names of sources; a reader without this compiler option wants those of what was emitted.
  const moved = text.replaceAll('../../../server/contract/', './contract/')
  writeFileSync(file, moved.replace(/(from |import\()(['"])(\.[^'"]+)\.tsx?\2/g, '$1$2$3.js$2'))
}

function manifest(): object {
  const {
    private: _,
    scripts: __,
    exports: ___,
    ...kept
  } = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8'))
  const entry = (path: string) => ({ types: `${path}.d.ts`, default: `${path}.js` })
  const exports = {
    '.': entry('./index'),
    './react': entry('./react/index'),
    './react/styles.css': './react/styles.css',
  }
  return { ...kept, exports, types: './index.d.ts' }
}

if (import.meta.main) await build()
