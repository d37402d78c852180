# What quickstart.sh says, in Portuguese; sourced by it when the console speaks Portuguese.

usage() {
  cat <<TXT
Uso: installers/quickstart.sh [opções]

  --prefix DIR   põe o ambiente virtual em DIR/.venv (padrão: a pasta do SalesEdge)
  --no-start     só instala
  --demo         traz uma empresa de demonstração, para já haver o que ver
  --port N       porta das páginas (padrão: 8080)
  --home DIR     pasta dos dados (padrão: \$SALESEDGE_HOME, senão /var/lib/salesedge como root, ~/.local/share/salesedge nos outros casos)
  --help         este texto

Como root ou com sudo sem senha, os pacotes Debian que faltam são instalados também; senão, cada um que falta ganha uma linha.
TXT
}

said_as=(
  ["%s could not finish"]="%s não terminou"
  ["installing with apt: %s"]="instalando com apt: %s"
  ["none"]="nenhum"
  ["SalesEdge needs Python 3.11 or newer, and this machine has %s."]="o SalesEdge precisa do Python 3.11 ou mais novo, e esta máquina tem %s."
  ["Debian 12 and Ubuntu 24.04 have it: apt-get install python3"]="O Debian 12 e o Ubuntu 24.04 têm: apt-get install python3"
  ["If it is elsewhere, name it: %s"]="Se ele está em outro lugar, diga onde: %s"
  ["the virtual environment %s could not be made."]="não foi possível criar o ambiente virtual %s."
  ["The whole log: %s"]="O registro completo: %s"
  ["Python's venv module is missing, and without administrator rights it cannot be installed from here."]="falta o módulo venv do Python, e sem direitos de administrador não dá para instalá-lo daqui."
  ["Ask whoever administers this machine for: %s"]="Peça a quem administra esta máquina: %s"
  ["Then run %s again."]="Depois rode %s de novo."
  ["the disk is full."]="o disco está cheio."
  ["Free about 1 GB in %s and in %s, then run %s again."]="Libere cerca de 1 GB em %s e em %s e rode %s de novo."
  ["a downloaded package is not the one this release was tested with, so it was not installed."]="um pacote baixado não é o que foi testado com esta versão, por isso não foi instalado."
  ["A proxy or mirror may have changed it. Run %s again; if it happens again, see %s"]="Um proxy ou espelho pode tê-lo alterado. Rode %s de novo; se acontecer outra vez, veja %s"
  ["the package registry's certificate is not trusted by this machine."]="esta máquina não confia no certificado do repositório de pacotes."
  ["Behind a company proxy, point pip at its certificate: export PIP_CERT=/path/to/company-ca.pem"]="Atrás do proxy da empresa, indique o certificado dele ao pip: export PIP_CERT=/caminho/empresa-ca.pem"
  ["the package registry could not be reached."]="não foi possível chegar ao repositório de pacotes."
  ["Check the network (and HTTPS_PROXY or PIP_INDEX_URL if you use a proxy or a mirror), then run %s again; it goes on where it stopped."]="Confira a rede (e HTTPS_PROXY ou PIP_INDEX_URL, se você usa proxy ou espelho) e rode %s de novo; continua de onde parou."
  ["a package has no build for this machine (%s, Python %s)."]="um pacote não existe para esta máquina (%s, Python %s)."
  ["SalesEdge runs on 64-bit x86 and ARM with Debian 12, Ubuntu 24.04 or newer."]="O SalesEdge roda em x86 e ARM de 64 bits, com Debian 12, Ubuntu 24.04 ou mais novos."
  ["the Python packages could not be installed."]="não foi possível instalar os pacotes Python."
  ["%d of %d packages unpacked (%d s)"]="%d de %d pacotes desempacotados (%d s)"
  ["%d of %d packages fetched (%d s)"]="%d de %d pacotes baixados (%d s)"
  ["the folder %s cannot be written."]="não é possível gravar na pasta %s."
  ["Choose another with --prefix DIR, or run as the user who owns it."]="Escolha outra com --prefix DIR, ou rode como o usuário dono dela."
  ["Another set-up is running in %s; waiting for it to finish."]="Outra instalação está rodando em %s; esperando que termine."
  ["the other set-up in %s is still running after half an hour."]="a outra instalação em %s continua rodando depois de meia hora."
  ["Stop it, then run %s again."]="Interrompa-a e rode %s de novo."
  ["only %d MB are free in %s; the set-up needs %d MB."]="só há %d MB livres em %s; a instalação precisa de %d MB."
  ["Free some space, then run %s again."]="Libere espaço e rode %s de novo."
  ["%s needs a value."]="%s precisa de um valor."
  ["the data folder %s cannot be made."]="não foi possível criar a pasta de dados %s."
  ["Choose another with --home DIR."]="Escolha outra com --home DIR."
  ["%s takes a number from 1 to 65535, not '%s'."]="%s recebe um número de 1 a 65535, não '%s'."
  ["Unknown option: %s"]="Opção desconhecida: %s"
  ["the folder given with --prefix cannot be made or entered."]="a pasta indicada em --prefix não pode ser criada ou aberta."
  ["Python %s at %s"]="Python %s em %s"
  ["everything is installed already"]="tudo já está instalado"
  ["Virtual environment in %s"]="Ambiente virtual em %s"
  ["ca-certificates is not installed; going on without it"]="ca-certificates não está instalado; seguindo sem ele"
  ["Python packages, each checked against its hash"]="Pacotes Python, cada um conferido pela soma de verificação"
  ["SalesEdge itself"]="O próprio SalesEdge"
  ["SalesEdge could not be installed into %s."]="não foi possível instalar o SalesEdge em %s."
  ["SalesEdge is installed but does not start."]="o SalesEdge está instalado, mas não inicia."
  ["Programs beside Python"]="Programas além do Python"
  ["Redis is missing, and with this Python it comes from the system alone."]="falta o Redis, que com este Python só vem do sistema."
  ["OCR: not installed, so scans and photos of documents cannot be read (apt-get install tesseract-ocr tesseract-ocr-por)"]="OCR: não instalado; digitalizações e fotos de documentos não podem ser lidas (apt-get install tesseract-ocr tesseract-ocr-por)"
  ["llama.cpp: not usable here, so language models cannot run inside the box; answers quote your documents (apt-get install libgomp1)"]="llama.cpp: não funciona aqui; modelos de linguagem não rodam dentro da caixa, e as respostas citam os seus documentos (apt-get install libgomp1)"
  ["WhatsApp by QR: its library is not usable here; the official Cloud API is"]="WhatsApp por QR: a biblioteca não funciona aqui; a Cloud API oficial funciona"
  ["whisper.cpp: not usable here, so voice notes are not written down"]="whisper.cpp: não funciona aqui; mensagens de voz não são transcritas"
  ["Ready after %d s."]="Pronto em %d s."
  ["Start it with: %s"]="Para iniciar: %s"
)
